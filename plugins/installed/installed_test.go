package installed_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/tidelock-io/tidelock/plugins/installed"
)

// lay puts the files of an archive into a directory.
func lay(t testing.TB, dir, archive string) {
	t.Helper()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		to := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, f.Data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func options() installed.Options {
	return installed.Options{Self: "/usr/bin/tidelock", Taken: []string{"helm", "cmp"}, Getenv: func(name string) string {
		return map[string]string{"TOKEN": "sesame", "OTHER": "x"}[name]
	}}
}

// text prints plugins, their directory as DIR.
func text(dir string, all []*installed.Plugin) string {
	var b strings.Builder
	for _, p := range all {
		if p.Err != nil {
			fmt.Fprintf(&b, "%s: %v\n", p.ID(), p.Err)
			continue
		}
		fmt.Fprintf(&b, "%s: %s %s %v, granted %s, %v %d %v, discover %v\n", p.ID(), p.Kind, p.Spec.Command, p.Spec.Args, p.Spec.Grants, p.Spec.Limits.Render, p.Spec.Limits.DocumentBytes, p.Spec.Env, p.Discover)
		for _, w := range p.Warnings {
			fmt.Fprintf(&b, "  %s\n", w)
		}
	}
	return strings.ReplaceAll(b.String(), dir, "DIR")
}

const (
	sum    = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" // of "hello"
	argocd = "apiVersion: argoproj.io/v1alpha1\nkind: ConfigManagementPlugin\nmetadata: {name: envsubst}\nspec: {version: v1, generate: {command: [sh]}, discover: {fileName: a, find: {glob: b}}}\n"
)

var argocdSum = fmt.Sprintf("%x", sha256.Sum256([]byte(argocd)))

func TestRead(t *testing.T) {
	const pinned = "sha256: 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03\n" // of "hello\n"
	for _, tt := range []struct{ name, archive, want string }{
		{"the least", "-- a.yaml --\nname: a\ncommand: ./a\n-- a --\nhello\n",
			"a: program DIR/a [], granted nothing, 0s 0 [], discover {  false}\n  it is not pinned by a checksum: check the program, and state sha256: 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03\n"},
		{"all", "-- a.yaml --\nname: a\nversion: 1.0.0\ncommand: a\nargs: [-v]\n" + pinned + "env: {A: b}\ninheritEnv: [TOKEN, UNSET]\nbuildEnvironment: [ARGOCD_APP_NAME]\ngrants: {network: true, exec: true, scratch: true, read: [/opt], write: [/var/a]}\nlimits: {time: 5s, start: 1s, idle: 1m, memory: 2GiB, bytes: 1MiB, documents: 10, processes: 1, programs: 3, calls: 2}\ndiscover: {fileName: a, find: {glob: '**/b'}, ask: true}\n-- a --\nhello\n",
			"a-1.0.0: program DIR/a [-v], granted network, exec, scratch directory, read /opt, write /var/a, 5s 1048576 [A=b TOKEN=sesame], discover {a **/b true}\n"},
		{"a plugin.yaml as it is", "-- envsubst.yaml --\n" + argocd,
			"envsubst-v1: argocd /usr/bin/tidelock [plugin serve cmp], granted exec, scratch directory, read DIR /bin /sbin /usr /lib /lib64 /etc/ld.so.cache /etc/alternatives, 1m30s 0 [TIDELOCK_CMP={\"file\":\"DIR/envsubst.yaml\"}], discover {a  false}\n  it is not pinned by a checksum: check the program, and state sha256: SUM\n"},
		{"a directory with a plugin.yaml", "-- e/plugin.yaml --\nkind: ConfigManagementPlugin\nmetadata: {name: e}\n", "e: DIR/e/plugin.yaml: apiVersion is \"\", want argoproj.io/v1alpha1\n"},
		{"a plugin.yaml that is refined", "-- a.yaml --\ncmp: e/definition.yaml\ncopy: [/lib]\nencrypted: true\nenv: {A: b}\ngrants: {read: [/opt]}\nsha256: " + argocdSum + "\n-- e/definition.yaml --\n" + argocd,
			"envsubst-v1: argocd /usr/bin/tidelock [plugin serve cmp], granted exec, scratch directory, read /opt, 1m30s 0 [TIDELOCK_CMP={\"file\":\"DIR/e/definition.yaml\",\"env\":{\"A\":\"b\"},\"copy\":[\"/lib\"],\"encrypted\":true}], discover {a  false}\n"},
		{"one is bad, the others are not", "-- a.yaml --\nname: a\ncomand: a\n-- b.yaml --\nname: b\ncommand: b\n" + pinned + "-- b --\nhello\n",
			"a: DIR/a.yaml:2: unknown key \"comand\", did you mean \"command\"?\nb: program DIR/b [], granted nothing, 0s 0 [], discover {  false}\n"},
		{"no YAML at all", "-- a.yaml --\n\t\n", "a: DIR/a.yaml:1: found character that cannot start any token\n"},
		{"not a name", "-- a.yaml --\nname: A/b\ncommand: x\n", "A/b: DIR/a.yaml: name: \"A/b\": want lower case letters, digits, dots and dashes\n"},
		{"a built-in's name", "-- a.yaml --\nname: helm\nversion: 1\ncommand: a\n" + pinned + "-- a --\nhello\n", "helm-1: DIR/a.yaml: the name helm is taken by a built-in plugin\n"},
		{"a name twice", "-- a.yaml --\nname: x\ncommand: a\n" + pinned + "-- a --\nhello\n-- b.yaml --\nname: x\ncommand: a\n" + pinned,
			"x: program DIR/a [], granted nothing, 0s 0 [], discover {  false}\nx: DIR/b.yaml: the name x is taken by DIR/a.yaml\n"},
		{"no program", "-- a.yaml --\nname: a\ncommand: b\n", "a: DIR/a.yaml: there is no program DIR/b\n"},
		{"no plugin.yaml", "-- a.yaml --\ncmp: b\n", "a: DIR/a.yaml: cmp: DIR/b: no such file\n"},
		{"another program", "-- a.yaml --\nname: a\ncommand: a\nsha256: " + sum + "\n-- a --\nhello\n",
			"a: DIR/a has the checksum 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03, DIR/a.yaml wants " + sum + ": install the program that was checked, or check this one\n"},
		{"neither program nor plugin.yaml", "-- a.yaml --\nname: a\n", "a: DIR/a.yaml: state one of command, a program, and cmp, a plugin.yaml of Argo CD\n"},
		{"a name for a plugin.yaml", "-- a.yaml --\ncmp: b\nname: c\n", "c: DIR/a.yaml: name, version, args and discover are those of the plugin.yaml that cmp names\n"},
		{"a relative path", "-- a.yaml --\nname: a\ncommand: a\ngrants: {read: [usr]}\n", "a: DIR/a.yaml: grants.read: \"usr\": want an absolute path\n"},
		{"a command to discover", "-- a.yaml --\nname: a\ncommand: a\ndiscover: {find: {command: [x]}}\n", "a: DIR/a.yaml: discover.find.command: a program is asked itself: state discover.ask, and have it return ErrNotMine\n"},
		{"our own variable", "-- a.yaml --\nname: a\ncommand: a\nenv: {TIDELOCK_CMP: x}\n", "a: DIR/a.yaml: env: TIDELOCK_CMP is for Tidelock's own use\n"},
		{"no time", "-- a.yaml --\nname: a\ncommand: a\nlimits: {time: 5}\n", "a: DIR/a.yaml:3: limits.time: want a time such as 90s or 2m, not \"5\"\n"},
		{"no size", "-- a.yaml --\nname: a\ncommand: a\nlimits:\n  memory: 1TB\n", "a: DIR/a.yaml:4: limits.memory: want a number of bytes such as 64MiB, not \"1TB\"\n"},
		{"what is no YAML is none of ours", "-- README.md --\nhello\n-- ..data/x.yaml --\nhello\n-- sub/x.yaml --\nhello\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			lay(t, dir, tt.archive)
			all, err := installed.Read(dir, options())
			if err != nil {
				t.Fatal(err)
			}
			got := text(dir, all)
			if want := strings.ReplaceAll(tt.want, "SUM", argocdSum); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestReadNothing(t *testing.T) {
	if _, err := installed.Read(filepath.Join(t.TempDir(), "no"), options()); !os.IsNotExist(err) && !strings.Contains(fmt.Sprint(err), "no such file") {
		t.Errorf("got %v", err)
	}
}

// TestRequireChecksums: what is not pinned does not run, and is told its checksum.
func TestRequireChecksums(t *testing.T) {
	dir := t.TempDir()
	lay(t, dir, "-- a.yaml --\nname: a\ncommand: a\n-- a --\nhello\n")
	o := options()
	o.RequireChecksums = true
	all, err := installed.Read(dir, o)
	if err != nil || !strings.Contains(fmt.Sprint(all[0].Err), "--require-plugin-checksums is set: check the program, and state sha256: 5891b5b5") {
		t.Errorf("got %v, %v", all[0].Err, err)
	}
}

// TestVerify: a program that is changed later is not started either.
func TestVerify(t *testing.T) {
	dir := t.TempDir()
	lay(t, dir, "-- a.yaml --\nname: a\ncommand: a\nsha256: 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03\n-- a --\nhello\n")
	before, err := installed.Read(dir, options())
	if err != nil || before[0].Err != nil || before[0].Spec.Verify() != nil {
		t.Fatal(err, before[0].Err)
	}
	lay(t, dir, "-- a --\nother\n")
	if err := before[0].Spec.Verify(); err == nil || !strings.Contains(err.Error(), "has the checksum") {
		t.Errorf("got %v", err)
	}
	after, err := installed.Read(dir, options())
	if err != nil || after[0].Digest == before[0].Digest || after[0].Err == nil {
		t.Errorf("read again: %v, %v, digest %s", err, after[0].Err, after[0].Digest)
	}
}

// TestDigest changes with the program, the YAML, and what they refer to.
func TestDigest(t *testing.T) {
	dir := t.TempDir()
	lay(t, dir, "-- a.yaml --\ncmp: e/definition.yaml\n-- e/definition.yaml --\n"+argocd)
	seen := map[string]bool{}
	for _, change := range []string{"", "-- a.yaml --\ncmp: e/definition.yaml\ncopy: [/a]\n", "-- e/definition.yaml --\n" + argocd + "# other\n"} {
		lay(t, dir, change)
		all, err := installed.Read(dir, options())
		if err != nil || all[0].Err != nil || seen[all[0].Digest] {
			t.Errorf("after %q: %v %v, digest %s", change, err, all[0].Err, all[0].Digest)
		}
		seen[all[0].Digest] = true
	}
}

func FuzzRead(f *testing.F) {
	f.Add("name: a\nversion: 1.0.0\ncommand: a\nargs: [-v]\nenv: {A: b}\ninheritEnv: [TOKEN]\ngrants: {network: true, read: [/opt]}\nlimits: {time: 5s, memory: 2GiB, calls: 2}\ndiscover: {fileName: a, find: {glob: '**/b'}}\n")
	f.Add("cmp: a\ncopy: [/x]\n")
	f.Add(argocd)
	dir := f.TempDir()
	lay(f, dir, "-- a --\nhello\n")
	f.Fuzz(func(t *testing.T, yaml string) {
		if err := os.WriteFile(filepath.Join(dir, "x.yaml"), []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		all, err := installed.Read(dir, options())
		if err != nil || len(all) != 1 {
			t.Fatalf("%d plugins, %v", len(all), err)
		}
		p := all[0]
		switch {
		case p.ID() == "":
			t.Error("a plugin without a name")
		case p.Err != nil && !strings.Contains(p.Err.Error(), dir):
			t.Errorf("the error says no file: %v", p.Err)
		case p.Err == nil && (p.Spec.Name != p.ID() || p.Spec.Command == "" || p.ID() == "helm"):
			t.Errorf("accepted %q as %+v", yaml, p)
		}
	})
}
