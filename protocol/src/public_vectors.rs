//! Finds the public test vectors: in the folder `MEDLOCK_VECTORS`, or by default in a folder next to the checkout.

use std::path::PathBuf;

/// Returns the path of a vector file. If it is missing, fails on CI, and prints that the test is skipped elsewhere.
pub(crate) fn find(file: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("MEDLOCK_VECTORS")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vectors")), PathBuf::from);
    let path = folder.join(file);
    if path.is_file() {
        return Some(path);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "{} is missing: set MEDLOCK_VECTORS to the folder of public vectors",
        path.display()
    );
    #[expect(clippy::print_stderr, reason = "a test that could not run has to say so")]
    {
        eprintln!("skipped: {} is missing; set MEDLOCK_VECTORS", path.display());
    }
    None
}
