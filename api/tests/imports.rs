//! The shape of `api/src`: imports among its files go down only, as the table in `api/README.md` lists them, no circle is
//! among them, and each collection of the database is written by one module.
//!
//! Unit tests (`#[cfg(test)]`) are left out: they may look at anything.

#[path = "../../scripts/import_graph.rs"]
mod import_graph;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use import_graph::{Crate, File, read_folder, row_of, rows_of};

/// Methods of a collection, and functions of `store.rs`, that write to it.
const WRITES: [&str; 14] = [
    "insert_one",
    "insert_many",
    "update_one",
    "update_many",
    "replace_one",
    "delete_one",
    "delete_many",
    "find_one_and_update",
    "find_one_and_replace",
    "find_one_and_delete",
    "create_index",
    "create_indexes",
    "end_surplus",
    "create_clustered",
];

/// The names of the API's collections, each with the module that writes it, as `store.rs` says.
fn collections(store: &str) -> BTreeMap<String, String> {
    let (mut owner, mut found) = (None, BTreeMap::new());
    for line in store.lines().map(str::trim) {
        if line.starts_with("///") {
            owner = line.split('`').nth(1).map(str::to_owned).or(owner);
        } else if let Some(rest) = line.strip_prefix("pub const ") {
            let name = rest.split(':').next().unwrap_or_default().to_owned();
            found.insert(name, owner.take().expect("the comment names the module"));
        } else {
            owner = None;
        }
    }
    found
}

/// Functions that give a collection to other files: file, name, and what they name.
fn handles(file: &File) -> Vec<(String, BTreeSet<String>)> {
    let tokens = &file.tokens;
    let mut found = Vec::new();
    for index in (0..tokens.len()).filter(|index| tokens[*index] == "fn") {
        let end = tokens[index..].iter().position(|token| matches!(token.as_str(), "{" | ";")).unwrap_or(0) + index;
        let gives =
            tokens[index..end].windows(3).any(|words| words[0] == "-" && words[1] == ">" && words[2] == "Collection");
        if gives {
            let close = tokens[end..].iter().position(|token| token == "}").unwrap_or(0) + end;
            found.push((tokens[index + 1].clone(), constants(&tokens[end..close])));
        }
    }
    found
}

fn constants(tokens: &[String]) -> BTreeSet<String> {
    let named = tokens.windows(3).filter(|words| words[0] == "collection" && words[1] == "::");
    named.map(|words| words[2].clone()).collect()
}

/// Files that write to a collection of another module.
fn foreign_writers(all: &Crate, owners: &BTreeMap<String, String>) -> Vec<String> {
    let writes = |file: &File| {
        let called = file.tokens.windows(2).filter(|pair| pair[1] == "(");
        let methods = file.tokens.windows(3).filter(|words| words[0] == "." && words[2] == "(");
        methods.map(|words| &words[1]).any(|word| WRITES.contains(&word.as_str()))
            || called.map(|pair| &pair[0]).any(|word| matches!(word.as_str(), "end_surplus" | "create_clustered"))
    };
    let handles: Vec<(&File, String, BTreeSet<String>)> =
        all.files.values().flat_map(|file| handles(file).into_iter().map(move |(name, of)| (file, name, of))).collect();
    let mut found = Vec::new();
    for file in all.files.values().filter(|file| file.name != "store.rs" && writes(file)) {
        let mut used = constants(&file.tokens);
        for (of, name, named) in &handles {
            let is_called = file.tokens.windows(2).any(|pair| pair[0] == *name && pair[1] == "(");
            if is_called && all.imports[&file.name].contains_key(&of.name) {
                used.extend(named.iter().cloned());
            }
        }
        for name in used {
            let Some(owner) = owners.get(&name) else { continue };
            if row_of(&[vec![owner.clone()]], &file.name).is_none() {
                found.push(format!("  {} names {name} and writes; {owner} alone may write it", file.name));
            }
        }
    }
    found
}

fn api() -> (BTreeMap<String, String>, Crate) {
    let mut sources = BTreeMap::new();
    read_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut sources);
    let all = Crate::new(&sources);
    (sources, all)
}

fn made_up(files: &[(&str, &str)]) -> Crate {
    Crate::new(&files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
}

#[test]
fn no_circle_is_among_the_files() {
    let (_, all) = api();
    assert!(all.imports.values().map(BTreeMap::len).sum::<usize>() > 400, "the imports were not found");
    if let Some(circle) = all.circle() {
        panic!("files of api/src import each other in a circle:\n{circle}");
    }
}

#[test]
fn imports_go_down_the_table_of_the_readme() {
    let (_, all) = api();
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let rows = rows_of(&fs::read_to_string(readme).expect("it is text"));
    let missing: Vec<&String> = all.imports.keys().filter(|file| row_of(&rows, file).is_none()).collect();
    assert!(missing.is_empty(), "no row of the table in api/README.md has {missing:?}");
    for name in rows.iter().flatten() {
        let one = [vec![name.clone()]];
        assert!(all.imports.keys().any(|file| row_of(&one, file).is_some()), "api/src has no {name}");
    }
    let upwards = all.upwards(&rows);
    assert!(upwards.is_empty(), "imports go down only, as api/README.md says; these go up:\n{}", upwards.join("\n"));
}

#[test]
fn each_collection_is_written_by_one_module() {
    let (sources, all) = api();
    let owners = collections(&sources["store.rs"]);
    assert!(owners.len() > 20, "the collections were not found");
    for (name, owner) in &owners {
        let one = [vec![owner.clone()]];
        assert!(all.imports.keys().any(|file| row_of(&one, file).is_some()), "{name}: api/src has no {owner}");
    }
    let foreign = foreign_writers(&all, &owners);
    assert!(
        foreign.is_empty(),
        "each collection is written by one module, which store.rs names:\n{}",
        foreign.join("\n")
    );
}

#[test]
fn circles_are_found_through_re_exports_inline_paths_and_imported_modules() {
    let ways = [
        [("a.rs", "use crate::b::B; pub struct A;"), ("b.rs", "use super::a::A; pub struct B;"), ("c.rs", "")],
        [
            ("a.rs", "fn f() { crate::b::g() }"),
            ("b.rs", "pub(crate) use c::C; mod c;"),
            ("b/c.rs", "use crate::{a::{self}};"),
        ],
        [
            ("a.rs", "mod c; pub use c::C; use crate::b; fn f() { b::g() }"),
            ("b.rs", "use crate::a::C;"),
            ("a/c.rs", "use crate::b::B;"),
        ],
    ];
    assert!(made_up(&ways[0]).circle().is_some());
    assert!(made_up(&ways[1]).circle().is_none(), "a parent that hands its child's items on does not import it");
    let circle = made_up(&ways[2]).circle().expect("b imports a/c, which imports b");
    assert!(circle.contains("b.rs imports a/c.rs (a::C)") && circle.contains("a/c.rs imports b.rs (b::B)"), "{circle}");
    let harmless = [
        (
            "a.rs",
            "// use crate::b::B;\nconst TEXT: &str = \"crate::b::B\"; #[cfg(test)] mod tests { use crate::b::B; }",
        ),
        ("b.rs", "use crate::a::A; fn f<'a>(_: &'a str) -> char { '\"' }"),
    ];
    assert!(made_up(&harmless).circle().is_none());
}

#[test]
fn an_import_that_goes_up_is_found() {
    let rows = rows_of("## What may import what\n\n| a | b |\n|---|---|\n| `top`, `store/` | x |\n| `store` | y |\n");
    let all = made_up(&[("top.rs", ""), ("store.rs", "fn f() { crate::top::g() }"), ("store/low.rs", "use super::f;")]);
    assert_eq!(all.upwards(&rows), ["  store.rs (row 2) imports top.rs (row 1): top::g"]);
}

#[test]
fn a_second_writer_is_found() {
    let store = "/// Shares: `shares`.\npub const SHARES: &str = \"s\";";
    let shares =
        "pub fn shares() -> Collection<D> { collection(collection::SHARES) } fn f() { shares().insert_one(d) }";
    let read =
        made_up(&[("shares.rs", shares), ("b.rs", "use crate::shares::shares; fn f() { shares().find_one(d) }")]);
    assert!(foreign_writers(&read, &collections(store)).is_empty());
    for writer in [
        "use crate::shares::shares; fn f() { shares().delete_many(d) }",
        "use crate::shares; fn f() { shares::shares().delete_many(d) }",
        "fn f(app: App) { app.database.collection(collection::SHARES).delete_many(d) }",
    ] {
        let all = made_up(&[("shares.rs", shares), ("b.rs", writer)]);
        assert_eq!(
            foreign_writers(&all, &collections(store)),
            ["  b.rs names SHARES and writes; shares alone may write it"]
        );
    }
}
