//! Facts about an address: whether it is local, and which part of it may be stored.

use std::net::IpAddr;

use url::Url;

/// Whether an address is this machine only.
pub fn is_loopback(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| is_loopback_host(&url))
}

/// Loopback addresses of both families, the unspecified ones, which lead there too, and the names that
/// <https://www.rfc-editor.org/rfc/rfc6761#section-6.3> reserves for it.
pub(crate) fn is_loopback_host(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let name = host.trim_start_matches('[').trim_end_matches(']');
    match name.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
        Ok(ip) => ip.is_loopback() || ip.is_unspecified(),
        Err(_) => {
            let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

/// An address without potential secrets: user, password and query are removed, except an API version as in Azure's
/// addresses.
pub fn without_secrets(address: &str) -> String {
    let Ok(mut url) = Url::parse(address) else { return address.to_owned() };
    let harmless =
        url.query_pairs().all(|(name, _)| name.to_ascii_lowercase().ends_with("version"));
    let has_user = !url.username().is_empty() || url.password().is_some();
    if harmless && !has_user {
        return address.to_owned();
    }
    // An address of http takes both.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    if !harmless {
        url.set_query(None);
    }
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_known_in_all_its_forms() {
        for address in [
            "http://127.0.0.1:8000/v1",
            "http://127.1",
            "http://127.200.3.4/v1",
            "http://localhost:11434/v1",
            "https://LOCALHOST./v1",
            "http://vllm.localhost/v1",
            "http://[::1]:8080",
            "http://[::ffff:127.0.0.1]/",
            "http://0.0.0.0:8000/v1",
            "http://[::]:8000/v1",
            "http://user:word@127.0.0.1/",
        ] {
            assert!(is_loopback(address), "{address}");
        }
        for address in [
            "https://api.openai.com/v1",
            "http://10.0.0.1/v1",
            "http://192.168.1.5:8000",
            "http://localhost.example.org/v1",
            "http://notlocalhost/v1",
            "http://[fe80::1]/",
            "http://127.0.0.1.example.org/",
            "127.0.0.1:8000",
            "",
        ] {
            assert!(!is_loopback(address), "{address}");
        }
    }

    #[test]
    fn an_address_is_written_down_without_its_secrets() {
        for (address, safe) in [
            ("https://api.openai.com/v1", "https://api.openai.com/v1"),
            ("http://127.0.0.1:8000/v1/", "http://127.0.0.1:8000/v1/"),
            ("https://me:word@gateway.example/v1", "https://gateway.example/v1"),
            ("https://token@gateway.example/v1", "https://gateway.example/v1"),
            ("https://gateway.example/v1?key=abc", "https://gateway.example/v1"),
            ("https://gateway.example/v1?api-version=3&sig=x", "https://gateway.example/v1"),
            (
                "https://a.openai.azure.com/openai/v1?api-version=preview",
                "https://a.openai.azure.com/openai/v1?api-version=preview",
            ),
            ("no address", "no address"),
        ] {
            assert_eq!(without_secrets(address), safe);
        }
    }
}
