"""Checks values against the part of JSON Schema that docs/json.schema.json uses; anything else in a
schema is an error here, so that nothing is passed over unchecked."""
import re

TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool,
         "null": type(None)}
NOTES = {"$schema", "$id", "$defs", "title", "description"}


def has_type(value, name):
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, TYPES[name])


class Schema:
    def __init__(self, root):
        self.root = root

    def problems(self, value, schema=None, at="$"):
        """What is wrong with it, one line each."""
        schema = self.root if schema is None else schema
        found = []
        for word, rule in schema.items():
            if word not in NOTES:
                found += getattr(self, "check_" + word.lstrip("$"))(value, rule, schema, at)
        return found

    def check_ref(self, value, rule, _, at):
        target = self.root
        for part in rule.removeprefix("#/").split("/"):
            target = target[part]
        return self.problems(value, target, at)

    def check_oneOf(self, value, rule, _, at):
        results = [self.problems(value, one, at) for one in rule]
        fits = sum(not result for result in results)
        return [] if fits == 1 else [f"{at}: fits {fits} of the {len(rule)}; nearest: {min(results, key=len)}"]

    def check_type(self, value, rule, _, at):
        names = [rule] if isinstance(rule, str) else rule
        return [] if any(has_type(value, n) for n in names) else [f"{at}: {value!r} is no {'/'.join(names)}"]

    def check_const(self, value, rule, _, at):
        return [] if value == rule and type(value) is type(rule) else [f"{at}: {value!r} is not {rule!r}"]

    def check_enum(self, value, rule, _, at):
        return [] if value in rule else [f"{at}: {value!r} is none of {rule}"]

    def check_pattern(self, value, rule, _, at):
        return [] if not isinstance(value, str) or re.search(rule, value) else [f"{at}: {value!r} is not like {rule}"]

    def check_minimum(self, value, rule, _, at):
        return [] if not has_type(value, "number") or value >= rule else [f"{at}: {value} is below {rule}"]

    def check_minItems(self, value, rule, _, at):
        return [] if not isinstance(value, list) or len(value) >= rule else [f"{at}: fewer than {rule}"]

    def check_items(self, value, rule, _, at):
        if not isinstance(value, list):
            return []
        return [p for i, one in enumerate(value) for p in self.problems(one, rule, f"{at}[{i}]")]

    def check_properties(self, value, rule, _, at):
        if not isinstance(value, dict):
            return []
        return [p for key, one in value.items() if key in rule for p in self.problems(one, rule[key], f"{at}.{key}")]

    def check_additionalProperties(self, value, rule, schema, at):
        assert rule is False
        known = schema.get("properties", {})
        return [f"{at}: unknown key {key}" for key in value if key not in known] if isinstance(value, dict) else []

    def check_required(self, value, rule, _, at):
        return [f"{at}: no {key}" for key in rule if key not in value] if isinstance(value, dict) else []

    def keys_of(self, kind):
        """The keys of one kind of line, in the schema's order."""
        return list(self.root["$defs"][kind]["properties"])
