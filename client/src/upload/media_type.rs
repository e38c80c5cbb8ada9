//! Guessing what a document is.

use super::content::Opened;

/// Longest JSON that is looked into.
const FHIR_BYTES_MAX: usize = 1 << 20;

/// The media type that goes with a file name's extension.
pub(super) fn of(file_name: &str) -> &'static str {
    let extension = file_name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref().unwrap_or_default() {
        "pdf" => "application/pdf",
        "json" => "application/json",
        "xml" => "application/xml",
        "zip" => "application/zip",
        "dcm" | "dicom" => "application/dicom",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "svg" => "image/svg+xml",
        "tif" | "tiff" => "image/tiff",
        "txt" => "text/plain",
        "md" => "text/markdown",
        "csv" => "text/csv",
        "html" | "htm" => "text/html",
        "mp4" => "video/mp4",
        _ => "application/octet-stream",
    }
}

/// The `resourceType` of a FHIR resource in JSON; `None` for anything else.
pub(super) fn fhir_type(media_type: &str, content: &Opened) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Resource {
        #[serde(rename = "resourceType")]
        resource_type: String,
    }
    let is_json = matches!(media_type, "application/json" | "application/fhir+json");
    if !is_json || content.len > FHIR_BYTES_MAX as u64 {
        return None;
    }
    let resource: Resource = serde_json::from_slice(&content.beginning(FHIR_BYTES_MAX)).ok()?;
    let name = resource.resource_type;
    let is_name = (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_name.then_some(name)
}
