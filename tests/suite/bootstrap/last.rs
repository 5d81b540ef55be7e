//! The stages at the end, of which none waits for another.

use bpc::bootstrap::LAST;

use super::engine::{failing, trace};
use super::scratch::{Machine, shells, stage, succeed};

#[test]
fn of_the_last_stages_one_that_fails_does_not_hold_up_the_others() {
    let trace_of = |name: &str| format!("{}\n[ -e \"$BPC_ROOT/well-{name}\" ]", trace(name));
    for shell in shells() {
        let machine = Machine::new(
            &shell,
            &[
                stage(LAST - 1, "before", &trace("before")),
                stage(LAST, "ill", &trace_of("ill")),
                stage(LAST + 1, "worse", &trace_of("worse")),
                stage(LAST + 2, "after", &trace("after")),
            ],
        );
        // The second attempt of the one is good, and the third of the other.
        let mend = "case $1 in 2) touch \"$BPC_ROOT/well-ill\" ;; 4) touch \"$BPC_ROOT/well-worse\" ;; esac";
        machine.stub("sleep", &format!("case $1 in 0.*) exec /bin/sleep \"$1\" ;; esac\n{mend}"));
        machine.run();
        assert_eq!(machine.read("trace"), "before\nill\nworse\nafter\nill\nworse\nworse\n");
        insta::allow_duplicates! {
            insta::assert_snapshot!(machine.console(), @r"
            bpc: gate-node01 before ok
            bpc: gate-node01 ill failed (attempt 1, next after the others)
            bpc: gate-node01 worse failed (attempt 1, next after the others)
            bpc: gate-node01 after ok
            bpc: gate-node01 ill ok
            bpc: gate-node01 worse failed (attempt 2, next after the others)
            bpc: gate-node01 worse ok
            bpc: gate-node01 ready
            ");
        }
        machine.run();
        assert_eq!(machine.read("trace").lines().count(), 7, "all is done");
    }
}

#[test]
fn the_state_of_each_of_the_last_stages_is_told() {
    for shell in shells() {
        let tell = "\"$BPC_ROOT/usr/local/bin/bpc-status\" >\"$BPC_ROOT/during\" || :";
        let stages = [stage(LAST, "flaky", &format!("{tell}\n{}", failing(2))), stage(LAST + 1, "well", "")];
        let machine = Machine::new(&shell, &stages);
        machine.run();
        let told = format!("{:<24} failed (attempt 2)\n{:<24} done\n", "70-flaky", "71-well");
        assert_eq!(machine.read("during"), told);
        assert!(!succeed(&mut machine.command("usr/local/bin/bpc-status")).contains("failed"));
    }
}
