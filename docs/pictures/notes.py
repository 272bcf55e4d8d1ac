import sqlite3

def save(store, name, value):
    store.execute("insert into notes values (?, ?)", (name, value))
    store.commit()

def open_store(path):
    store = sqlite3.connect(path)
    store.execute("create table if not exists notes (name, value)")
    return store

store = open_store("notes.db")
for number in range(3):
    save(store, f"note {number}", "text")
