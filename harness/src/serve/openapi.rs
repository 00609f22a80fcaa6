//! The description of the control API, OpenAPI 3.1: `openapi.json` beside this file.

/// The description, as it is served.
pub(super) const TEXT: &str = include_str!("openapi.json");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value as Json;

    use super::super::control;
    use super::*;

    fn described() -> Json {
        serde_json::from_str(TEXT).unwrap()
    }

    #[test]
    fn the_description_has_every_route_and_no_other() {
        let json = described();
        let paths = json["paths"].as_object().unwrap();
        let described: BTreeSet<(String, String)> = paths
            .iter()
            .flat_map(|(path, methods)| {
                let methods = methods.as_object().unwrap().keys();
                methods.map(|method| (method.to_ascii_uppercase(), path.clone()))
            })
            .filter(|(method, _)| method != "PARAMETERS")
            .collect();
        let routes: BTreeSet<_> =
            control::routes().map(|(m, p)| (m.to_owned(), p.to_owned())).collect();
        assert_eq!(described, routes);
    }

    #[test]
    fn every_operation_is_told_apart_and_says_what_it_answers() {
        let json = described();
        let mut ids = BTreeSet::new();
        for (path, methods) in json["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                if method == "parameters" {
                    continue;
                }
                let at = format!("{method} {path}");
                assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{at}");
                let responses = operation["responses"].as_object().unwrap();
                assert!(responses.keys().any(|status| status.starts_with('2')), "{at}");
                let open = control::is_open(&method.to_ascii_uppercase(), path);
                assert_eq!(operation["security"] == serde_json::json!([]), open, "{at}");
                assert_eq!(responses.contains_key("401"), !open, "{at}");
            }
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references(json: &Json, found: &mut Vec<String>) {
            match json {
                Json::Object(map) => {
                    if let Some(Json::String(to)) = map.get("$ref") {
                        found.push(to.clone());
                    }
                    map.values().for_each(|value| references(value, found));
                }
                Json::Array(items) => items.iter().for_each(|item| references(item, found)),
                _ => {}
            }
        }
        let json = described();
        let mut found = Vec::new();
        references(&json, &mut found);
        assert!(!found.is_empty());
        for to in found {
            assert!(json.pointer(to.trim_start_matches('#')).is_some(), "{to}");
        }
    }
}
