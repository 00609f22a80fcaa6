use proptest::prelude::*;

use super::*;

fn plan(below: &str) -> String {
    format!(
        "<jmeterTestPlan version=\"1.2\"><hashTree><TestPlan testname=\"p\" enabled=\"true\"/>\
         <hashTree>{below}</hashTree></hashTree></jmeterTestPlan>"
    )
}

fn group(below: &str) -> String {
    plan(&format!(
        "<ThreadGroup testname=\"Some Users\" enabled=\"true\">\
         <stringProp name=\"ThreadGroup.num_threads\">${{__P(n,4)}}</stringProp>\
         <boolProp name=\"ThreadGroup.scheduler\">true</boolProp>\
         <stringProp name=\"ThreadGroup.duration\">60</stringProp></ThreadGroup>\
         <hashTree><HTTPSamplerProxy testname=\"s\" enabled=\"true\">\
         <stringProp name=\"HTTPSampler.protocol\">https</stringProp>\
         <stringProp name=\"HTTPSampler.domain\">www.lab</stringProp></HTTPSamplerProxy><hashTree/>\
         {below}</hashTree>"
    ))
}

/// The scenario has no mistakes; gives its text.
fn checked(text: &str) -> String {
    let import = import("p.jmx", text).unwrap();
    let read = crate::scenario::from_text("p", &import.scenario);
    read.unwrap_or_else(|errors| panic!("{}\n{}", errors.render(false), import.scenario));
    import.scenario
}

fn timer(class: &str, props: &str) -> String {
    group(&format!("<{class} testname=\"t\" enabled=\"true\">{props}</{class}><hashTree/>"))
}

#[test]
fn each_timer_becomes_its_load() {
    let delay = "<stringProp name=\"ConstantTimer.delay\">300</stringProp>";
    let range = "<stringProp name=\"RandomTimer.range\">100</stringProp>";
    let both = format!("{delay}{range}");
    let pace = |mode: u8| {
        format!(
            "<intProp name=\"calcMode\">{mode}</intProp>\
             <doubleProp><name>throughput</name><value>6.0</value></doubleProp>"
        )
    };
    for (class, props, expected) in [
        ("ConstantTimer", delay.to_owned(), "think = \"300ms\""),
        ("UniformRandomTimer", both.clone(), "think = \"300ms..400ms\""),
        ("GaussianRandomTimer", both.clone(), "think = \"gaussian 300ms, 100ms\""),
        ("PoissonRandomTimer", both, "think = \"gaussian 400ms, 10ms\""),
        ("ConstantThroughputTimer", pace(0), "every = \"10000ms\""),
        ("ConstantThroughputTimer", pace(4), "rate = \"6 per 1m\""),
        ("SyncTimer", "<intProp name=\"groupSize\">0</intProp>".to_owned(), "barrier = 4"),
    ] {
        let text = checked(&timer(class, &props));
        assert!(text.contains(expected), "{class}: {text}");
        assert!(text.contains("[clients.some-users]") && text.contains("threads = 4"), "{text}");
    }
}

#[test]
fn what_is_not_understood_is_listed_with_its_path_and_stands_in_the_scenario() {
    let text = group("<CookieManager testname=\"c\" enabled=\"true\"/><hashTree/>");
    let import = import("p.jmx", &text).unwrap();
    let note = "p (TestPlan) > Some Users (ThreadGroup) > c (CookieManager): is not understood, and left out";
    assert!(import.notes.iter().any(|there| there == note), "{:?}", import.notes);
    assert!(import.scenario.contains(&format!("# - {note}\n")), "{}", import.scenario);
}

#[test]
fn connections_are_kept_where_the_plan_keeps_them() {
    let kept = "<boolProp name=\"HTTPSampler.use_keepalive\">true</boolProp></HTTPSamplerProxy>";
    let plain = group("");
    assert!(!checked(&plain).contains("keep_alive"));
    assert!(checked(&plain.replace("</HTTPSamplerProxy>", kept)).contains("\nkeep_alive = true\n"));
}

#[test]
fn an_open_model_becomes_stages() {
    let text = checked(&plan(
        "<OpenModelThreadGroup testname=\"crowd\" enabled=\"true\">\
         <stringProp name=\"OpenModelThreadGroup.schedule\">rate(1/s) random_arrivals(1 min) rate(3/s)\
         </stringProp></OpenModelThreadGroup><hashTree/>",
    ));
    assert!(text.contains("{ for = \"1m\", rate = \"1 per 1s\", to = \"3 per 1s\" },"), "{text}");
    assert!(text.contains("arrivals = \"poisson\""), "{text}");
}

#[test]
fn a_plan_without_thread_groups_is_said_to_have_none() {
    assert!(checked(&plan("")).contains("there is no thread group in the plan"));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,80}|[<>/&;a\"' =\n]{0,80}") {
        let _ = import("p.jmx", &text);
    }

    #[test]
    fn any_values_give_a_scenario_without_mistakes(
        class in "(Constant|UniformRandom|GaussianRandom|PoissonRandom|ConstantThroughput|Sync|X)Timer",
        a in "-?[0-9]{0,6}(\\.[0-9])?|[a-z${}]{0,6}", b in "-?[0-9]{0,6}|[a-z]{0,4}",
    ) {
        let names = ["ConstantTimer.delay", "RandomTimer.range", "groupSize", "throughput", "calcMode"];
        let props: String = names
            .iter()
            .zip([&a, &b].into_iter().cycle())
            .map(|(name, value)| format!("<stringProp name=\"{name}\">{value}</stringProp>"))
            .collect();
        checked(&timer(&class, &props));
    }
}
