//! Which files of a crate import which: for tests of the shape of a crate, which include this file by its path.
//!
//! Unit tests (`#[cfg(test)]`) are left out: they may look at anything.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// The words and signs of a Rust file, without comments and texts.
fn tokens(source: &str) -> Vec<String> {
    let chars: Vec<char> = source.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let is_word = |char: char| char.is_alphanumeric() || char == '_';
    let (mut found, mut index) = (Vec::new(), 0);
    while index < chars.len() {
        let char = at(index);
        if char == '/' && at(index + 1) == '/' {
            while index < chars.len() && at(index) != '\n' {
                index += 1;
            }
        } else if char == '/' && at(index + 1) == '*' {
            let mut depth = 0;
            loop {
                match (at(index), at(index + 1)) {
                    ('/', '*') => (depth, index) = (depth + 1, index + 2),
                    ('*', '/') => (depth, index) = (depth - 1, index + 2),
                    _ => index += 1,
                }
                if depth == 0 || index >= chars.len() {
                    break;
                }
            }
        } else if char == '"' {
            index = end_of_text(&chars, index);
        } else if char == '\'' {
            // A character, or the name of a lifetime.
            if at(index + 1) == '\\' {
                index += 3;
                while index < chars.len() && at(index) != '\'' {
                    index += 1;
                }
                index += 1;
            } else if at(index + 2) == '\'' {
                index += 3;
            } else {
                index += 1;
            }
        } else if is_word(char) {
            let begin = index;
            while is_word(at(index)) {
                index += 1;
            }
            let word: String = chars[begin..index].iter().collect();
            let is_raw = matches!(word.as_str(), "r" | "br" | "cr") && matches!(at(index), '"' | '#');
            let hashes = (index..).take_while(|index| at(*index) == '#').count();
            if is_raw && at(index + hashes) == '"' {
                let end: String = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
                index += hashes + 1;
                while index < chars.len()
                    && !chars[index..].iter().take(end.len()).eq(end.chars().collect::<Vec<_>>().iter())
                {
                    index += 1;
                }
                index += end.len();
            } else {
                found.push(word);
            }
        } else if char == ':' && at(index + 1) == ':' {
            found.push("::".to_owned());
            index += 2;
        } else {
            if !char.is_whitespace() {
                found.push(char.to_string());
            }
            index += 1;
        }
    }
    found
}

fn end_of_text(chars: &[char], begin: usize) -> usize {
    let mut index = begin + 1;
    while index < chars.len() && chars[index] != '"' {
        index += if chars[index] == '\\' { 2 } else { 1 };
    }
    index + 1
}

/// Leaves out every item under `#[cfg(test)]`; gives the names of modules that are such an item.
fn without_tests(tokens: &[String]) -> (Vec<String>, Vec<String>) {
    let marker = ["#", "[", "cfg", "(", "test", ")", "]"];
    let (mut kept, mut left_out, mut index) = (Vec::new(), Vec::new(), 0);
    while index < tokens.len() {
        if !tokens[index..].iter().take(marker.len()).eq(marker.iter()) {
            kept.push(tokens[index].clone());
            index += 1;
            continue;
        }
        index += marker.len();
        let mut depth = 0;
        while index < tokens.len() {
            match tokens[index].as_str() {
                "{" => depth += 1,
                "}" => depth -= 1,
                "mod" if depth == 0 && tokens[index + 2] == ";" => left_out.push(tokens[index + 1].clone()),
                _ => {}
            }
            let is_end = depth == 0 && matches!(tokens[index].as_str(), "}" | ";");
            index += 1;
            if is_end {
                break;
            }
        }
    }
    (kept, left_out)
}

/// A module as its path below the crate.
pub(crate) type Module = Vec<String>;

/// A path that a file names.
struct Named {
    path: Module,
    /// Whether it is a `pub use`.
    is_export: bool,
    /// The name by which a `use` makes it known.
    known_as: Option<String>,
}

/// One file of `src`.
pub(crate) struct File {
    /// Such as `relay/accept.rs`.
    pub(crate) name: String,
    module: Module,
    pub(crate) tokens: Vec<String>,
    named: Vec<Named>,
}

/// All files of `src`, and who imports whom.
pub(crate) struct Crate {
    pub(crate) files: BTreeMap<Module, File>,
    /// For each file the files that it imports, each with a path that does so.
    pub(crate) imports: BTreeMap<String, BTreeMap<String, String>>,
}

fn module_of(name: &str) -> Module {
    name.trim_end_matches(".rs").split('/').map(str::to_owned).collect()
}

impl Crate {
    /// Reads the sources: names of files, such as `relay/accept.rs`, with their texts. The root is `lib.rs`, or `main.rs` in a
    /// crate without one.
    pub(crate) fn new(sources: &BTreeMap<String, String>) -> Self {
        let root = if sources.contains_key("lib.rs") { "lib.rs" } else { "main.rs" };
        let mut files = BTreeMap::new();
        let mut tests = BTreeSet::new();
        for (name, text) in sources {
            let module = if name == root { Vec::new() } else { module_of(name) };
            let (tokens, left_out) = without_tests(&tokens(text));
            tests.extend(left_out.into_iter().map(|test| [module.clone(), vec![test]].concat()));
            files.insert(module.clone(), File { name: name.clone(), module, tokens, named: Vec::new() });
        }
        files.retain(|module, _| !tests.contains(module));
        for file in files.values_mut() {
            file.named = named_in(file);
        }
        let mut all = Self { files, imports: BTreeMap::new() };
        for file in all.files.values() {
            let imported = all.imported_by(file);
            all.imports.insert(file.name.clone(), imported);
        }
        all
    }

    /// The file that defines what a path names, through re-exports.
    fn file_of(&self, path: &[String], steps_left: u8) -> Option<&File> {
        for length in (1..=path.len()).rev() {
            let Some(file) = self.files.get(&path[..length]) else { continue };
            let Some(next) = path.get(length) else { return Some(file) };
            let export = file.named.iter().find(|named| named.is_export && named.known_as.as_ref() == Some(next));
            return match export {
                Some(export) if steps_left > 0 => {
                    self.file_of(&[&export.path[..], &path[length + 1..]].concat(), steps_left - 1).or(Some(file))
                }
                _ => Some(file),
            };
        }
        None
    }

    fn imported_by(&self, file: &File) -> BTreeMap<String, String> {
        let mut imported = BTreeMap::new();
        // A parent that declares a module and hands its items on does not need it.
        let is_handed_on =
            |named: &Named| named.is_export && named.path.starts_with(&file.module) && !file.module.is_empty();
        let known: BTreeMap<&str, &Module> =
            file.named.iter().filter_map(|named| Some((named.known_as.as_deref()?, &named.path))).collect();
        let mut paths: Vec<Module> =
            file.named.iter().filter(|named| !is_handed_on(named)).map(|named| named.path.clone()).collect();
        // What is named through a module that a `use` has brought: `use crate::store; store::shares::all()`.
        for (index, pair) in file.tokens.windows(2).enumerate() {
            let is_begin = pair[1] == "::" && (index == 0 || !matches!(file.tokens[index - 1].as_str(), "::" | "use"));
            if let Some(begin) = known.get(pair[0].as_str()).filter(|_| is_begin) {
                paths.push([&begin[..], &path_at(&file.tokens, index)[1..]].concat());
            }
        }
        for path in paths {
            if let Some(target) = self.file_of(&path, 9).filter(|target| target.name != file.name) {
                imported.entry(target.name.clone()).or_insert_with(|| path.join("::"));
            }
        }
        imported
    }

    /// Some circle among the files, as text.
    pub(crate) fn circle(&self) -> Option<String> {
        fn walk<'a>(
            all: &'a Crate,
            name: &'a str,
            done: &mut BTreeSet<&'a str>,
            way: &mut Vec<&'a str>,
        ) -> Option<Vec<&'a str>> {
            if let Some(begin) = way.iter().position(|known| *known == name) {
                return Some(way[begin..].to_vec());
            }
            if done.contains(name) {
                return None;
            }
            way.push(name);
            let found = all
                .imports
                .get(name)
                .and_then(|targets| targets.keys().find_map(|target| walk(all, target, done, way)));
            way.pop();
            done.insert(name);
            found
        }
        let (mut done, mut way) = (BTreeSet::new(), Vec::new());
        let circle = self.imports.keys().find_map(|name| walk(self, name, &mut done, &mut way))?;
        let arrows = circle.iter().zip(circle.iter().cycle().skip(1));
        let arrows = arrows.map(|(from, to)| format!("  {from} imports {to} ({})", self.imports[*from][*to]));
        Some(arrows.collect::<Vec<_>>().join("\n"))
    }

    /// The imports that go up, by the rows of the table.
    pub(crate) fn upwards(&self, rows: &[Vec<String>]) -> Vec<String> {
        let mut found = Vec::new();
        for (from, targets) in &self.imports {
            for (to, path) in targets {
                let (Some(above), Some(below)) = (row_of(rows, from), row_of(rows, to)) else { continue };
                if below < above {
                    found.push(format!("  {from} (row {}) imports {to} (row {}): {path}", above + 1, below + 1));
                }
            }
        }
        found
    }
}

/// The path that begins at a token.
fn path_at(tokens: &[String], begin: usize) -> Module {
    let mut path = vec![tokens[begin].clone()];
    let mut index = begin + 1;
    while tokens.get(index).is_some_and(|token| token == "::") {
        match tokens.get(index + 1) {
            Some(word) if word.starts_with(|char: char| char.is_alphabetic() || char == '_') => path.push(word.clone()),
            _ => break,
        }
        index += 2;
    }
    path
}

/// A path below the crate; `None` for one that begins elsewhere.
fn below_crate(module: &[String], inline: &[String], children: &BTreeSet<String>, path: &[String]) -> Option<Module> {
    let here = [module, inline].concat();
    let supers = path.iter().take_while(|part| *part == "super").count();
    match path.first()?.as_str() {
        "crate" => Some(path[1..].to_vec()),
        "self" => Some([&here[..], &path[1..]].concat()),
        "super" => Some([&here[..here.len().checked_sub(supers)?], &path[supers..]].concat()),
        first if inline.is_empty() && children.contains(first) => Some([module, path].concat()),
        _ => None,
    }
}

/// The leaves of a tree of imports: the path, and the name by which it is known.
fn leaves_of(tokens: &[String], index: &mut usize, begin: &Module, found: &mut Vec<(Module, Option<String>)>) {
    let mut path = begin.clone();
    loop {
        match tokens.get(*index).map(String::as_str) {
            Some("{") => {
                *index += 1;
                while tokens.get(*index).is_some_and(|token| token != "}") {
                    leaves_of(tokens, index, &path, found);
                    match tokens.get(*index).map(String::as_str) {
                        Some(",") => *index += 1,
                        Some("}") => {}
                        other => panic!("an import is followed by {other:?}"),
                    }
                }
                *index += 1;
                return;
            }
            Some("*") => {
                *index += 1;
                found.push((path, None));
                return;
            }
            Some("::") => *index += 1,
            Some("as") => {
                found.push((path, tokens.get(*index + 1).cloned()));
                *index += 2;
                return;
            }
            Some(word) if !matches!(word, "," | ";" | "}") => {
                // `module::{self}` is the module.
                if word != "self" || path.is_empty() {
                    path.push(word.to_owned());
                }
                *index += 1;
            }
            _ => {
                let known_as = path.last().cloned();
                found.push((path, known_as));
                return;
            }
        }
    }
}

/// Every path below the crate that a file names, in a `use` or elsewhere.
fn named_in(file: &File) -> Vec<Named> {
    let tokens = &file.tokens;
    let children: BTreeSet<String> =
        tokens.windows(3).filter(|words| words[0] == "mod" && words[2] == ";").map(|words| words[1].clone()).collect();
    let (mut named, mut index, mut depth) = (Vec::new(), 0, 0);
    let mut inline: Vec<(String, usize)> = Vec::new();
    while index < tokens.len() {
        let names: Vec<String> = inline.iter().map(|(name, _)| name.clone()).collect();
        match tokens[index].as_str() {
            "{" => depth += 1,
            "}" => {
                depth -= 1;
                inline.retain(|(_, begin)| *begin < depth + 1);
            }
            "mod" if tokens.get(index + 2).is_some_and(|token| token == "{") => {
                inline.push((tokens[index + 1].clone(), depth + 1));
            }
            // `impl Trait + use<'a>` imports nothing.
            "use" if tokens.get(index + 1).is_some_and(|token| token != "<") => {
                let is_export = index > 0 && matches!(tokens[index - 1].as_str(), "pub" | ")");
                let mut found = Vec::new();
                index += 1;
                leaves_of(tokens, &mut index, &Vec::new(), &mut found);
                for (path, known_as) in found {
                    if let Some(path) = below_crate(&file.module, &names, &children, &path) {
                        named.push(Named { path, is_export, known_as });
                    }
                }
                continue;
            }
            _ if index > 0 && tokens[index - 1] == "::" => {}
            word if tokens.get(index + 1).is_some_and(|token| token == "::") && word != "::" => {
                let path = path_at(tokens, index);
                if let Some(path) = below_crate(&file.module, &names, &children, &path) {
                    named.push(Named { path, is_export: false, known_as: None });
                }
            }
            _ => {}
        }
        index += 1;
    }
    named
}

/// The rows of the table in the README, from top to bottom: the names in the first column.
pub(crate) fn rows_of(readme: &str) -> Vec<Vec<String>> {
    let begin = readme.find("## What may import what").expect("the README has the table");
    let table =
        readme[begin..].lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let names = |line: &str| {
        let first = line.split('|').nth(1).unwrap_or_default();
        first.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()
    };
    table.skip(2).map(names).collect()
}

/// Which row a file stands in: `relay` is `relay.rs` with its folder, `store/` only the folder. The longest name counts.
pub(crate) fn row_of(rows: &[Vec<String>], file: &str) -> Option<usize> {
    let covers = |name: &str| {
        let stem = file.trim_end_matches(".rs");
        if name.ends_with('/') { stem.starts_with(name) } else { stem == name || stem.starts_with(&format!("{name}/")) }
    };
    let names = rows.iter().enumerate().flat_map(|(row, names)| names.iter().map(move |name| (name, row)));
    names.filter(|(name, _)| covers(name)).max_by_key(|(name, _)| name.len()).map(|(_, row)| row)
}

pub(crate) fn read_folder(folder: &Path, prefix: &str, sources: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("names are text").to_owned();
        if path.is_dir() {
            read_folder(&path, &format!("{prefix}{name}/"), sources);
        } else if name.ends_with(".rs") {
            sources.insert(format!("{prefix}{name}"), fs::read_to_string(&path).expect("it is text"));
        }
    }
}
