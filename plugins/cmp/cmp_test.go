package cmp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/plugins/cmp"
	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/installed"
	"github.com/tidelock-io/tidelock/plugins/pluginstest"
	"github.com/tidelock-io/tidelock/plugins/sdk"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[3] == cmp.Name {
		p, err := cmp.Load("test")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		sdk.Serve(p)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// definitionOf is a plugin.yaml whose spec is given in YAML's flow style.
func definitionOf(spec string) string {
	return "apiVersion: argoproj.io/v1alpha1\nkind: ConfigManagementPlugin\nmetadata: {name: test}\nspec: {" + spec + "}\n"
}

// sh is a command that runs a script.
func sh(script string) string {
	text, err := json.Marshal([]string{"sh", "-c", script})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// A setup is a plugin as it is installed.
type setup struct {
	spec string // of the plugin.yaml
	own  string // more of our own file, if there is one
}

func (s setup) install(t *testing.T) *installed.Plugin {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("test/plugin.yaml", definitionOf(s.spec))
	if s.own != "" {
		write("test.yaml", "cmp: test/definition.yaml\n"+s.own)
		if err := os.Rename(dir+"/test/plugin.yaml", dir+"/test/definition.yaml"); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	all, err := installed.Read(dir, installed.Options{Self: self, Getenv: os.Getenv})
	if err != nil || len(all) != 1 || all[0].Err != nil {
		t.Fatalf("installing: %v %+v", err, all)
	}
	return all[0]
}

func (s setup) render(t *testing.T, req *sdk.RenderRequest) string {
	t.Helper()
	p := s.install(t)
	return pluginstest.Text(pluginstest.Host(t, p.Spec).Render(context.Background(), p.ID(), req))
}

const files = "-- app/a.yaml --\na: $A\n-- app/sub/run.sh --\n#!/bin/sh\necho ran\n-- lib/b.yaml --\nb\n-- other/c.yaml --\nc\n"

func request(options string) *sdk.RenderRequest {
	tree := pluginstest.ParseTree(files)
	tree.MapFS["app/sub/run.sh"].Mode = 0o755
	req := &sdk.RenderRequest{
		Application: "shop", Path: "app", Tree: tree,
		Env: map[string]string{"ARGOCD_APP_NAME": "shop", "ARGOCD_ENV_REGION": "eu"},
	}
	if options != "" {
		req.Options = []byte(options)
	}
	return req
}

func TestRender(t *testing.T) {
	const parameters = `{"name": "test", "parameters": [{"name": "a-b.c", "string": "x"}, {"name": "m", "map": {"k-1": "v"}}, {"name": "l", "array": ["p", "q"]}, {"name": "empty", "string": ""}]}`
	for _, tt := range []struct {
		name    string
		setup   setup
		options string
		want    string
	}{
		{"in the directory, with all of the repository", setup{spec: "generate: {command: " + sh("pwd | sed 's|.*/tree/||'; ls .. ; cat a.yaml ../lib/b.yaml") + "}"}, "", "app\napp\nlib\nother\na: $A\nb\n"},
		{"args", setup{spec: "generate: {command: [sh, -c], args: ['echo $0 $1', one, two]}"}, "", "one two\n"},
		{"init first", setup{spec: "init: {command: " + sh("echo noise; echo made > made") + "}, generate: {command: [cat, made]}"}, "", "made\n"},
		{"the build environment, and the Application's own", setup{spec: "generate: {command: " + sh("echo $ARGOCD_APP_NAME $ARGOCD_ENV_REGION") + "}"}, "", "shop eu\n"},
		{"no parameters", setup{spec: "generate: {command: " + sh("echo ${ARGOCD_APP_PARAMETERS-none}") + "}"}, "", "none\n"},
		{"none of them", setup{spec: "generate: {command: " + sh("echo ${ARGOCD_APP_PARAMETERS-none}") + "}"}, `{"name": "test"}`, "null\n"},
		{"parameters", setup{spec: "generate: {command: " + sh("env | grep ^PARAM_ | sort; echo $ARGOCD_APP_PARAMETERS") + "}"}, parameters,
			"PARAM_A_B_C=x\nPARAM_EMPTY=\nPARAM_L_0=p\nPARAM_L_1=q\nPARAM_M_K_1=v\n" + `[{"name":"a-b.c","string":"x"},{"name":"m","map":{"k-1":"v"}},{"name":"l","array":["p","q"]},{"name":"empty","string":""}]` + "\n"},
		{"nothing else is in the environment", setup{spec: "generate: {command: " + sh("env | cut -d= -f1 | grep -v ^_ | sort | tr '\\n' ' '") + "}"}, "", "ARGOCD_APP_NAME ARGOCD_ENV_REGION HOME PATH PWD TMPDIR \n"},
		{"its own environment", setup{spec: "generate: {command: " + sh("echo $TOKEN $HOME") + "}", own: "env: {TOKEN: t, HOME: /h}\n"}, "", "t /h\n"},
		{"a home and a place for files", setup{spec: "generate: {command: " + sh("echo x > $HOME/a && echo y > $TMPDIR/b && cat $HOME/a $TMPDIR/b") + "}"}, "", "x\ny\n"},
		{"modes are not kept", setup{spec: "generate: {command: " + sh("stat -c %a sub/run.sh") + "}"}, "", "600\n"},
		{"modes are not kept: a program of the commit", setup{spec: "generate: {command: [./sub/run.sh]}"}, "", "error: plugin test: render of application shop: generate: ./sub/run.sh may not be started: it must be executable in the commit, spec.preserveFileMode be set, and the scratch directory not be mounted noexec\n"},
		{"modes are kept", setup{spec: "preserveFileMode: true, generate: {command: [./sub/run.sh]}"}, "", "ran\n"},
		{"a part of the repository", setup{spec: "generate: {command: " + sh("ls .. ../lib") + "}", own: "copy: [/lib]\n"}, "", "..:\napp\nlib\n\n../lib:\nb.yaml\n"},
		{"a part that is named from the directory", setup{spec: "generate: {command: " + sh("ls .. ../lib") + "}", own: "copy: [../lib, .]\n"}, "", "..:\napp\nlib\n\n../lib:\nb.yaml\n"},
		{"asked, a command decides", setup{spec: "discover: {find: {command: " + sh("find . -name a.yaml") + "}}, generate: {command: [echo, mine]}"}, "", "mine\n"},
		{"asked, it prints nothing", setup{spec: "discover: {find: {command: " + sh("find . -name z.yaml") + "}}, generate: {command: [echo, mine]}"}, "", "error: plugin test: render of application shop: not a directory of this renderer's kind\n"},
		{"asked, it fails", setup{spec: "discover: {find: {command: " + sh("echo x; false") + "}}, generate: {command: [echo, mine]}"}, "", "error: plugin test: render of application shop: not a directory of this renderer's kind\n"},
		{"named, it is not asked", setup{spec: "discover: {find: {command: [false]}}, generate: {command: [echo, mine]}"}, `{"name": "test"}`, "mine\n"},
		{"nothing is printed", setup{spec: "generate: {command: [true]}"}, "", ""},
		{"a failure", setup{spec: "generate: {command: " + sh("echo manifest; echo 'a.yaml: no such value' >&2; exit 3") + "}"}, "", "error: plugin test: render of application shop: generate: sh: exit status 3: a.yaml: no such value\n"},
		{"a failure of init", setup{spec: "init: {command: [false]}, generate: {command: [true]}"}, "", "error: plugin test: render of application shop: init: false: exit status 1\n"},
		{"what it says is cut, and cannot forge a line", setup{spec: "generate: {command: " + sh("printf '\\033[31m first\\nsecond' >&2; exit 1") + "}"}, "", "error: plugin test: render of application shop: generate: sh: exit status 1: [31m first second\n"},
		{"its own environment is not shown", setup{spec: "generate: {command: " + sh("echo token $TOKEN >&2; exit 1") + "}", own: "env: {TOKEN: sesame-opens}\n"}, "", "error: plugin test: render of application shop: generate: sh: exit status 1: token (hidden)\n"},
		{"no such program", setup{spec: "generate: {command: [no-such-program]}"}, "", "error: plugin test: render of application shop: generate: there is no program \"no-such-program\" in /usr/local/sbin, /usr/local/bin, /usr/sbin, /usr/bin, /sbin, /bin\n"},
		{"no right to run it", setup{spec: "generate: {command: [sh]}", own: "grants: {read: [/lib]}\n"}, "", "may not be started: grants.read of the plugin must name it, or a directory above\n"},
		{"an unknown option", setup{spec: "generate: {command: [true]}"}, `{"noSuchOption": 1}`, "error: plugin test: render of application shop: spec.source.plugin: unknown field \"noSuchOption\"\n"},
		{"what holds the output", setup{spec: "generate: {command: " + sh("sleep 60 & echo x") + "}"}, "", "error: plugin test: render of application shop: generate: sh has ended, and a program that it left running holds its output\n"},
		{"credentials are never given", setup{spec: "provideGitCreds: true, generate: {command: [echo, x]}"}, "", "x\nwarning: spec.provideGitCreds: credentials are never given to a plugin: what it fetches must be public, or be a source of the Application\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.ReplaceAll(tt.setup.render(t, request(tt.options)), "# output of test:1\n", "")
			if tt.name == "no right to run it" {
				got = got[max(0, len(got)-len(tt.want)):]
			}
			if got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// TestLimits: what a command does without an end fails its own call.
func TestLimits(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		kind         error
		says         string
	}{
		{"it hangs", "sleep 3600 & sleep 3600", host.ErrTimeout, "killed after 2s"},
		{"it prints without an end", "yes", host.ErrTooLarge, "it printed more than 64 MiB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := setup{spec: "generate: {command: " + sh(tt.script) + "}"}
			if errors.Is(tt.kind, host.ErrTimeout) {
				s.own = "limits: {time: 2s}\n"
			}
			p := s.install(t)
			h := pluginstest.Host(t, p.Spec)
			_, err := h.Render(context.Background(), p.ID(), request(""))
			if !errors.Is(err, tt.kind) || !strings.HasPrefix(fmt.Sprint(err), "plugin test: render of application shop: ") || !strings.Contains(fmt.Sprint(err), tt.says) {
				t.Errorf("got %v, want %q", err, tt.says)
			}
		})
	}
}

// TestConfined: the commands have what the plugin was granted, and no more.
func TestConfined(t *testing.T) {
	script := strings.Join([]string{
		"cat /etc/passwd", "ls /", "echo x > /tmp/tidelock-cmp-test", "cat /proc/1/environ", "cat /proc/$PPID/environ", "setsid true", "kill -0 1",
	}, " && echo allowed; ") + "&& echo allowed; exit 0"
	s := setup{spec: "generate: {command: " + sh("("+script+") 2>/dev/null") + "}"}
	if got := s.render(t, request("")); strings.Contains(got, "allowed") || strings.Contains(got, "root:") {
		t.Errorf("got\n%s", got)
	}
	s.own = "grants: {read: [/], write: [/tmp], network: true}\n"
	if got := s.render(t, request("")); strings.Count(got, "allowed") < 3 {
		t.Errorf("with everything granted, so that this can fail, got\n%s", got)
	}
	os.Remove("/tmp/tidelock-cmp-test")
}

// TestNetwork: none without the grant.
func TestNetwork(t *testing.T) {
	const script = "exec 3<>/dev/tcp/127.0.0.1/1"
	for _, tt := range []struct{ own, want string }{
		{"limits: {time: 60s}\n", "Operation not permitted"},
		{"grants: {network: true}\n", "Connection refused"},
	} {
		s := setup{spec: `generate: {command: [bash, -c, "` + script + `"]}`, own: tt.own}
		if got := s.render(t, request("")); !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %s, want %s", tt.own, got, tt.want)
		}
	}
}

// TestLongOutput: lines are counted across the pieces of an output.
func TestLongOutput(t *testing.T) {
	s := setup{spec: "generate: {command: " + sh(`i=0; while [ $i -lt 3000 ]; do printf -- '---\nn: %d\nx: %01000d\n' $i 0; i=$((i+1)); done`) + "}"}
	p := s.install(t)
	result, err := pluginstest.Host(t, p.Spec).Render(context.Background(), p.ID(), request(""))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(result.Documents); n != 3 {
		t.Errorf("%d pieces, want 3", n)
	}
	var whole []byte
	for _, d := range result.Documents {
		if want := bytes.Count(whole, []byte("\n")) + 1; d.Line != want || !bytes.HasPrefix(d.Data, []byte("---\n")) {
			t.Errorf("a piece at line %d, want %d, begins with %.10q", d.Line, want, d.Data)
		}
		whole = append(whole, d.Data...)
	}
	if n := bytes.Count(whole, []byte("---\n")); n != 3000 {
		t.Errorf("%d documents, want 3000", n)
	}
}

// TestSuite: what holds for every renderer.
func TestSuite(t *testing.T) {
	p := setup{spec: "generate: {command: [cat, a.yaml]}", own: "limits: {time: 60s}\n"}.install(t)
	pluginstest.Renderer(t, pluginstest.Sample{
		Plugin: p.ID(), Spec: p.Spec, Tree: pluginstest.ParseTree(files), Path: "app", Reads: "app/a.yaml",
	})
}
