// What the precompiled header of the unit tests belongs to.
