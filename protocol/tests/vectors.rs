//! Runs every file of `protocol/vectors`. The web client runs the same files, and wrote those that begin with `web-`.

#[path = "../examples/vectors/scenario.rs"]
#[expect(dead_code, reason = "shared with the command that makes the vectors")]
mod scenario;

use std::{fs, path::Path};

#[test]
fn every_vector_has_its_class() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let mut run = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let vector: scenario::Vector = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            assert_eq!(vector.scenario.run(), vector.expect, "{}: {}", path.display(), vector.description);
            run += 1;
        }
    }
    assert!(run >= 150, "only {run} vectors");
}
