//! Where tests find the public vectors: the folder named by `MEDLOCK_VECTORS`, else one beside the checkout.

use std::path::PathBuf;

/// The path of a vector file. A missing one fails on CI and is reported aloud elsewhere.
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
