package plan

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// wholeHash is the hash of a whole plan, with what a policy may say besides.
func wholeHash(t *testing.T, rows string, policies ...func(*Policy)) string {
	t.Helper()
	changes, runs := readPlan(t, rows)
	policy := Policy{Prune: true, Whole: true, Subject: "commit a", Confirmed: true}
	for _, change := range policies {
		change(&policy)
	}
	return Build(changes, runs, policy).Hash()
}

// What a person approves of is the plan as it is shown: each row is another way of
// saying the same, or another plan.
func TestHashOfWhole(t *testing.T) {
	const rows = `
create ConfigMap shop/a
drift apps/Deployment shop/web wave=1
same ConfigMap shop/done
extra ConfigMap shop/old
hook PreSync batch/Job shop/migrate
`
	replace := func(old, new string) string { return strings.Replace(rows, old, new, 1) }
	prune := func(p *Policy) { p.Prune = true }
	for _, tt := range []struct {
		name, rows string
		policy     func(*Policy)
		same       bool
	}{
		{"the same", rows, prune, true},
		{"after a restart nobody knows who changed an object", replace("drift", "update"), prune, true},
		{"in another order", replace("create ConfigMap shop/a\n", "") + "create ConfigMap shop/a\n", prune, true},
		{"what is as it should be is no step", replace("same ConfigMap shop/done\n", ""), prune, true},
		{"another application's object is no step", rows + "foreign ConfigMap shop/theirs\n", prune, true},
		{"what is left is no step", rows + "extra ConfigMap shop/kept options=Prune=false\n", prune, true},
		{"a hook that has ended is no step", rows + "hook PostSync batch/Job shop/test phase=Succeeded\n", prune, true},
		{"an approval is a consent, too", replace("shop/old", "shop/old options=Prune=confirm"), func(p *Policy) { p.Confirmed = false }, true},
		{"another commit", rows, func(p *Policy) { p.Subject = "commit b" }, false},
		{"without the deletions", rows, func(p *Policy) { p.Prune = false }, false},
		{"deletions last", rows, func(p *Policy) { p.PruneLast = true }, false},
		{"a part of it", rows, func(p *Policy) { p.Only = only("ConfigMap shop/a") }, false},
		{"one more object has drifted", replace("same", "drift"), prune, false},
		{"an object is gone, which differed", replace("drift", "create"), prune, false},
		{"another name", replace("shop/a", "shop/b"), prune, false},
		{"another kind", replace("create ConfigMap", "create Secret"), prune, false},
		{"another wave", replace("wave=1", "wave=2"), prune, false},
		{"another phase", replace("PreSync", "PostSync"), prune, false},
		{"another content", replace("create ConfigMap shop/a", "create ConfigMap shop/a defines=a/B"), prune, false},
		{"one more deletion", rows + "extra ConfigMap shop/older\n", prune, false},
		{"without the hook", replace("hook PreSync batch/Job shop/migrate\n", ""), prune, false},
	} {
		if got := wholeHash(t, tt.rows, tt.policy) == wholeHash(t, rows); got != tt.same {
			t.Errorf("%s: the same hash %v, want %v", tt.name, got, tt.same)
		}
	}
	if hash := wholeHash(t, rows); len(hash) != 32 {
		t.Errorf("the hash %s has %d digits: two plans of one hash are too easy to make", hash, len(hash))
	}
}

// What is named of a hook is what Git states: its run is marked, and perhaps named,
// by the operation.
func TestHashOfHook(t *testing.T) {
	hash := func(stated, made string) string {
		key := func(name string) manifest.Key { return readKey("batch/Job", name) }
		run := Run{Type: api.HookPreSync, Hook: Hook{Object: object(t, key(stated), "", nil)}, Object: object(t, key(made), "", nil)}
		return Build(nil, []Run{run}, Policy{Whole: true}).Hash()
	}
	if hash("shop/migrate", "shop/migrate-1790000000") != hash("shop/migrate", "shop/migrate-1790000099") {
		t.Error("another run of the same hook hashes as another plan")
	}
	if hash("shop/migrate", "shop/made") == hash("shop/other", "shop/made") {
		t.Error("another hook hashes as the same plan")
	}
}

// The deletions that the breaker would hold are in the hash, held or not.
func TestHashOfWholeAndBreaker(t *testing.T) {
	changes := readChanges(t, "update ConfigMap shop/a\nextra PersistentVolumeClaim shop/data")
	policy := Policy{Prune: true, Whole: true, Subject: "commit a"}
	held := Build(changes, nil, policy)
	if held.Guard == "" || !strings.Contains(held.Guard, held.Hash()) {
		t.Errorf("guard %q of plan %s", held.Guard, held.Hash())
	}
	policy.Approved = held.Hash()
	if free := Build(changes, nil, policy); free.Guard != "" || len(free.Prunes()) != 1 || free.Hash() != held.Hash() {
		t.Errorf("approved, and yet\n%s", free)
	}
}

// secretHash is of a plan with a Secret, whose values each process marks in its own
// way.
func secretHash(t *testing.T, value string) string {
	t.Helper()
	o, err := manifest.New(map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "db", "namespace": "shop"},
		"stringData": map[string]any{"password": value},
	}, manifest.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	changes := append(readChanges(t, "create ConfigMap shop/a\nextra ConfigMap shop/b"), diff.Change{Key: o.Key, Verdict: diff.Create, Desired: o})
	return Build(changes, nil, Policy{Prune: true, Whole: true, Subject: "commit a"}).Hash()
}

const otherProcess = "TIDELOCK_TEST_OTHER_PROCESS"

// The person's command and the agent name a plan alike, and so does the agent after
// a restart.
func TestHashInAnotherProcess(t *testing.T) {
	here := secretHash(t, "one")
	if os.Getenv(otherProcess) != "" {
		t.Logf("hash=%s", here)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHashInAnotherProcess$", "-test.v")
	cmd.Env = append(os.Environ(), otherProcess+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "hash="+here) {
		t.Errorf("%v, want hash=%s, got\n%s", err, here, out)
	}
	if secretHash(t, "two") != here {
		t.Error("the value of a Secret is in the hash, and would be guessed by it")
	}
}

// TestHashWithoutDigests: what a workload restarts for is no part of what a person
// approves of, as the values themselves are not.
func TestHashWithoutDigests(t *testing.T) {
	content := func(mark, image string) string {
		t.Helper()
		text := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {metadata: {annotations: {" + mark + "}}, spec: {containers: [{name: a, image: " + image + "}]}}}\n"
		set, err := manifest.Parse([]byte(text), manifest.Origin{})
		if err != nil {
			t.Fatal(err)
		}
		return contentOf(set[0])
	}
	one := content("tidelock.io/rollout: Secret/db=1", "web")
	if content("tidelock.io/rollout: Secret/db=2", "web") != one {
		t.Error("another digest makes another plan")
	}
	if content("tidelock.io/rollout: Secret/db=1", "other") == one || content("tidelock.io/rollout: Secret/db=1, a: b", "web") == one {
		t.Error("what else differs makes the same plan")
	}
}
