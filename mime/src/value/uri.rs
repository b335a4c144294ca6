//! URIs as parts of a message refer to each other: resolving a reference (RFC 3986
//! section 5.2), percent-encoding.

use alloc::string::String;
use alloc::vec::Vec;

/// A URI in its five components (RFC 3986 appendix B).
struct Uri<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

impl<'a> Uri<'a> {
    fn split(text: &'a str) -> Self {
        let (rest, fragment) = cut(text, '#');
        let (rest, query) = cut(rest, '?');
        let (scheme, rest) = match scheme(rest) {
            Some(scheme) => (
                Some(scheme),
                rest.get(scheme.len() + 1..).unwrap_or_default(),
            ),
            None => (None, rest),
        };
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => {
                let end = rest.find('/').unwrap_or(rest.len());
                let (authority, path) = rest.split_at(end);
                (Some(authority), path)
            }
            None => (None, rest),
        };
        Uri {
            scheme,
            authority,
            path,
            query,
            fragment,
        }
    }

    fn join(&self) -> String {
        let mut out = String::new();
        let mut push = |before: &str, part: Option<&str>, behind: &str| {
            if let Some(part) = part {
                out.push_str(before);
                out.push_str(part);
                out.push_str(behind);
            }
        };
        push("", self.scheme, ":");
        push("//", self.authority, "");
        push("", Some(self.path), "");
        push("?", self.query, "");
        push("#", self.fragment, "");
        out
    }
}

fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    match text.split_once(at) {
        Some((before, behind)) => (before, Some(behind)),
        None => (text, None),
    }
}

/// The scheme that `text` begins with.
pub(crate) fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once(':')?;
    let good = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
    let starts = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    (starts && scheme.bytes().all(good)).then_some(scheme)
}

/// What `reference` means where `base` is the base (RFC 3986 5.2.2).
pub(crate) fn resolve(base: &str, reference: &str) -> String {
    let (base, r) = (Uri::split(base), Uri::split(reference));
    let path;
    let mut target = Uri { ..Uri::split("") };
    target.fragment = r.fragment;
    if r.scheme.is_some() {
        path = without_dots(r.path);
        (target.scheme, target.authority, target.query) = (r.scheme, r.authority, r.query);
    } else {
        target.scheme = base.scheme;
        if r.authority.is_some() {
            path = without_dots(r.path);
            (target.authority, target.query) = (r.authority, r.query);
        } else {
            target.authority = base.authority;
            target.query = r.query;
            if r.path.is_empty() {
                path = String::from(base.path);
                target.query = r.query.or(base.query);
            } else if r.path.starts_with('/') {
                path = without_dots(r.path);
            } else {
                let folder = match base.path.rfind('/') {
                    Some(slash) => base.path.get(..=slash).unwrap_or_default(),
                    None if base.authority.is_some() => "/",
                    None => "",
                };
                path = without_dots(&(String::from(folder) + r.path));
            }
        }
    }
    Uri {
        path: &path,
        ..target
    }
    .join()
}

/// The path without `.` and `..` (RFC 3986 5.2.4).
fn without_dots(path: &str) -> String {
    let (root, rest) = match path.strip_prefix('/') {
        Some(rest) => ("/", rest),
        None => ("", path),
    };
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = rest.split('/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if last {
                    kept.push(""); // a folder
                }
            }
            segment => kept.push(segment),
        }
    }
    String::from(root) + &kept.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_3986() {
        // Section 5.4, but for those whose base has no slash to go up to.
        let base = "http://a/b/c/d;p?q";
        for (reference, wanted) in [
            ("g:h", "g:h"),
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("#s", "http://a/b/c/d;p?q#s"),
            ("g#s", "http://a/b/c/g#s"),
            ("g?y#s", "http://a/b/c/g?y#s"),
            (";x", "http://a/b/c/;x"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("./", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../..", "http://a/"),
            ("../../g", "http://a/g"),
            ("../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("/../g", "http://a/g"),
            ("g.", "http://a/b/c/g."),
            ("..g", "http://a/b/c/..g"),
            ("./../g", "http://a/b/g"),
            ("./g/.", "http://a/b/c/g/"),
            ("g/./h", "http://a/b/c/g/h"),
            ("g/../h", "http://a/b/c/h"),
            ("g;x=1/../y", "http://a/b/c/y"),
            ("g?y/./x", "http://a/b/c/g?y/./x"),
            ("g#s/../x", "http://a/b/c/g#s/../x"),
        ] {
            assert_eq!(resolve(base, reference), wanted, "{reference}");
        }
        assert_eq!(resolve("thismessage:/", "a/b.png"), "thismessage:/a/b.png");
        assert_eq!(scheme("1a:b"), None);
        assert_eq!(scheme("a b:c"), None);
    }
}
