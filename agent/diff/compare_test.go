package diff

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
)

const long = "a-team-with-a-long-name_an-application-with-a-name-that-no-label-can-hold"

// Live rows read: key, application, digest, then what else is known. "git" is
// the hash of the desired object.
func TestCompare(t *testing.T) {
	for _, tt := range []struct{ name, app, desired, live, want string }{
		{"new", "shop", "a", "", "create ConfigMap n/a"},
		{"as applied", "shop", "a", "a shop D applied=git/D", "same ConfigMap n/a"},
		{"Git has changed", "shop", "a", "a shop D applied=old/D", "ask ConfigMap n/a"},
		{"live has changed", "shop", "a", "a shop E applied=git/D", "ask ConfigMap n/a"},
		{"live has changed, and that was asked", "shop", "a", "a shop E applied=git/D judged=git/E/drift", "drift ConfigMap n/a"},
		{"Git has changed, and that was asked", "shop", "a", "a shop D applied=old/D judged=git/D/update", "update ConfigMap n/a"},
		{"it was asked of another state", "shop", "a", "a shop F applied=git/D judged=git/E/drift", "ask ConfigMap n/a"},
		{"it was asked of another commit", "shop", "a", "a shop E applied=old/D judged=old/E/drift", "ask ConfigMap n/a"},
		{"changed back", "shop", "a", "a shop D applied=git/D judged=git/E/drift", "same ConfigMap n/a"},
		{"after a restart", "shop", "a", "a shop D", "ask ConfigMap n/a"},
		{"never applied by us", "shop", "a", "a shop -", "ask ConfigMap n/a"},
		{"no digest, whatever was judged", "shop", "a", "a shop - applied=git/ judged=git//drift", "ask ConfigMap n/a"},
		{"being deleted", "shop", "a", "a shop D deleting", "same ConfigMap n/a"},
		{"2.4 owned by another: is Foreign, and left alone (DESIGN D7)", "shop", "a", "a blog D applied=git/D", "foreign ConfigMap n/a"},
		{"it lost our label", "shop", "a", "a - E applied=git/D", "ask ConfigMap n/a"},
		{"it lost our label, and its labels are ignored", "shop", "a", "a - D applied=git/D ignored", "drift ConfigMap n/a"},
		{"known by its label", long, "a", "a " + api.AppLabel(long) + " D applied=git/D", "same ConfigMap n/a"},
		{"2.1 task list: prunes are live objects without a target", "shop", "", "b shop D\na shop D", "extra ConfigMap n/a\nextra ConfigMap n/b"},
		{"another's, not in Git", "shop", "", "a blog D\nb - D", ""},
		{"desired keep their order", "shop", "z a", "m shop D\nz shop D applied=git/D", "same ConfigMap n/z\ncreate ConfigMap n/a\nextra ConfigMap n/m"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var set manifest.Set
			live := Snapshot{}
			for name := range strings.FieldsSeq(tt.desired) {
				set = append(set, configMap(t, name))
			}
			for row := range strings.Lines(tt.live) {
				l := readLive(t, row)
				live[l.Key] = l
			}
			var got []string
			for _, c := range Compare(tt.app, set, live) {
				got = append(got, c.String())
				if c.OutOfSync() != (c.Verdict != Same) {
					t.Errorf("%s: out of sync is %v", c, c.OutOfSync())
				}
			}
			if got := strings.Join(got, "\n"); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// 1.5 IgnoreExtraneous: compare option IgnoreExtraneous is of use only to what is to be pruned.
func TestTolerated(t *testing.T) {
	for _, tt := range []struct {
		verdict Verdict
		options string
		want    bool
	}{
		{Extra, "IgnoreExtraneous", true},
		{Extra, "ServerSideDiff=true, IgnoreExtraneous", true},
		{Extra, "", false},
		{Extra, "ignoreextraneous", false},
		{Drift, "IgnoreExtraneous", false},
		{Same, "IgnoreExtraneous", false},
	} {
		c := Change{Verdict: tt.verdict, Live: &Live{CompareOptions: tt.options}}
		if got := c.Tolerated(); got != tt.want {
			t.Errorf("%s with %q: %v, want %v", tt.verdict, tt.options, got, tt.want)
		}
	}
	if (Change{Verdict: Create}).Tolerated() {
		t.Error("what is to be created is tolerated")
	}
}

func readLive(t *testing.T, row string) *Live {
	t.Helper()
	words := strings.Fields(strings.ReplaceAll(row, "git", "\x00"))
	o := configMap(t, words[0])
	for i := range words {
		words[i] = strings.ReplaceAll(words[i], "\x00", o.Hash())
	}
	l := &Live{Key: o.Key, App: strings.Trim(words[1], "-"), Digest: strings.Trim(words[2], "-")}
	for _, word := range words[3:] {
		name, value, _ := strings.Cut(word, "=")
		part := strings.Split(value, "/")
		switch name {
		case "applied":
			l.Baseline = Baseline{part[0], part[1]}
		case "judged":
			l.Judged = Judged{part[0], part[1], Verdict(part[2])}
		case "ignored":
			l.Ignored = &Places{}
		case "deleting":
			l.Deleting = true
		default:
			t.Fatalf("row %q: what is %q?", row, word)
		}
	}
	return l
}

func configMap(t *testing.T, name string) *manifest.Object {
	t.Helper()
	o, err := manifest.New(decode(t, fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: %s, namespace: \"n\"}}", name)), manifest.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}
