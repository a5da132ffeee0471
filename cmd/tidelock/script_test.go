package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/rogpeppe/go-internal/testscript"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/agent/git/signature/signaturetest"
	"github.com/tidelock-io/tidelock/cmd/testenv"
	"github.com/tidelock-io/tidelock/plugins/pluginstest"
)

func TestMain(m *testing.M) {
	signaturetest.Main()
	if len(os.Args) == 4 && os.Args[1] == "plugin" { // a plugin process of a tidelock below
		main()
	}
	moreAtOnce()
	testscript.Main(m, map[string]func(){"tidelock": main, pluginstest.WithoutVerb: without})
}

// moreAtOnce lets more tests run at once than there are processors, unless -parallel
// says otherwise: most of them wait for most of their time.
func moreAtOnce() {
	if err := flag.Set("test.parallel", strconv.Itoa(3*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
}

// TestScript runs the stories in testdata/script. Beside testscript's own verbs
// they have:
//
//	agekey FILE        make an age key; encrypt uses the last one made
//	encrypt FILE...    encrypt files in place, as sops does
//	sealingkey FILE [CERTIFICATE [AGE]]   make a key of sealed-secrets, in FILE as its Secret
//	seal FILE NS NAME KEY=VALUE   write a SealedSecret for the last one made
//	commit DIR [URL]   commit all of DIR, a repository with URL as its origin
//	tag DIR NAME       tag the last commit of DIR
//	registry           serve a registry, ${REGISTRY}
//	publish REPOSITORY TAG DIR [chart]   push files to it, as manifests or as a chart
//	gitserver DIR      serve a repository of the files of DIR, ${GIT}
//	tool NAME...       put a program that people use into the PATH: sops
//	programs DIR       put tidelock and the programs that lie beside it into DIR, as make builds them
//	memory             make ${XDG_RUNTIME_DIR} a directory in memory
//	expand FILE...     put variables in the place of ${NAME}
//
// and exec without CALL[,CALL...] tidelock ... runs it on a kernel that lacks
// system calls.
func TestScript(t *testing.T) {
	t.Parallel()
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	testscript.Run(t, testscript.Params{
		Files:               sample(scripts),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			env.Values[keysOf] = &scriptKeys{}
			return goEnv(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"agekey": agekey, "encrypt": encrypt, "gpgkey": gpgkey, "sealingkey": sealingkey, "seal": seal, "commit": commit, "tag": tag,
			"registry": startScriptRegistry, "publish": publish, "gitserver": gitserver, "tool": tool, "programs": linkPrograms, "memory": inMemoryDir, "expand": expanded(func(*testscript.TestScript, bool, []string) {}),
		},
	})
}

// without runs a program on a kernel that lacks system calls.
func without() {
	program, err := exec.LookPath(os.Args[2])
	if err == nil {
		err = pluginstest.Without(os.Args[1], append([]string{program}, os.Args[3:]...)...)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(exitUsage)
}

// goNames are the variables that say where Go finds what it builds with, and goValues
// asks for them, once for all stories.
var (
	goNames  = []string{"GOCACHE", "GOMODCACHE", "GOPROXY", "GOSUMDB", "GONOSUMDB", "CGO_ENABLED"}
	goValues = sync.OnceValues(func() ([]byte, error) { return exec.Command("go", append([]string{"env"}, goNames...)...).Output() })
)

// goEnv lets a story build with Go.
func goEnv(env *testscript.Env) error {
	root, err := testenv.Root()
	if err != nil {
		return err
	}
	env.Setenv("ROOT", root)
	values, err := goValues()
	if err != nil {
		return fmt.Errorf("go env: %w", err)
	}
	for i, value := range strings.Split(strings.TrimSuffix(string(values), "\n"), "\n") {
		env.Setenv(goNames[i], value)
	}
	env.Setenv("GOFLAGS", "-buildvcs=false")
	env.Setenv("GORACE", os.Getenv("GORACE")) // of this program, which the scripts run as tidelock
	return nil
}

type contextKey int

const keysOf contextKey = 0

type scriptKeys struct {
	sops    testenv.SOPSKey
	sealing testenv.SealingKey

	registry *testenv.Registry
}

func keys(ts *testscript.TestScript) *scriptKeys { return ts.Value(keysOf).(*scriptKeys) }

func agekey(ts *testscript.TestScript, _ bool, args []string) {
	key, err := testenv.NewSOPSKey()
	ts.Check(err)
	keys(ts).sops = key
	ts.Setenv("RECIPIENT", key.Recipient())
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(key.Private()+"\n"), 0o600))
}

func encrypt(ts *testscript.TestScript, _ bool, files []string) {
	root, err := os.MkdirTemp(ts.Getenv("TMPDIR"), "sops")
	ts.Check(err)
	rules := fmt.Sprintf("creation_rules:\n- {path_regex: '[.](yaml|json)$', encrypted_regex: '^(data|stringData)$', age: %[1]s}\n- {age: %[1]s}\n", keys(ts).sops.Recipient())
	ts.Check(os.WriteFile(filepath.Join(root, ".sops.yaml"), []byte(rules), 0o600))
	for _, file := range files {
		cipher, err := testenv.EncryptSOPS(root, filepath.Base(file), []byte(ts.ReadFile(file)))
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(file), cipher, 0o600))
	}
}

// tools are those that stories compare with.
var tools = map[string]string{"sops": testenv.SOPSTool, "kubeseal": "kubeseal"}

func tool(ts *testscript.TestScript, _ bool, names []string) {
	for _, name := range names {
		build := testenv.Tool
		if name == "kubeseal" {
			build = testenv.SealedSecretsTool
		}
		program, err := build(context.Background(), tools[name])
		ts.Check(err)
		ts.Setenv("PATH", filepath.Dir(program)+string(filepath.ListSeparator)+ts.Getenv("PATH"))
	}
}

func inMemoryDir(ts *testscript.TestScript, _ bool, _ []string) {
	dir, err := os.MkdirTemp("/dev/shm", "story-")
	ts.Check(err)
	ts.Defer(func() { os.RemoveAll(dir) })
	ts.Setenv("XDG_RUNTIME_DIR", dir)
}

func sealingkey(ts *testscript.TestScript, _ bool, args []string) {
	age := time.Hour
	if len(args) > 2 {
		var err error
		age, err = time.ParseDuration(args[2])
		ts.Check(err)
	}
	key, err := testenv.NewSealingKeyAt(time.Now().Add(-age))
	ts.Check(err)
	keys(ts).sealing = key
	if len(args) > 1 {
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), key.Certificate, 0o600))
	}
	secret := key.Secret("kube-system", "sealing")
	secret.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"} // as kubectl prints it
	text, err := yaml.Marshal(secret)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), text, 0o600))
}

func seal(ts *testscript.TestScript, _ bool, args []string) {
	key, value, _ := strings.Cut(args[3], "=")
	object, err := keys(ts).sealing.Seal("strict", args[1], args[2], map[string][]byte{key: []byte(value)})
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), object, 0o600))
}

func commit(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	repo, err := gogit.PlainOpen(dir)
	if err != nil {
		repo, err = gogit.PlainInit(dir, false)
		ts.Check(err)
	}
	if len(args) > 1 {
		_, err = repo.CreateRemote(&config.RemoteConfig{Name: "origin", URLs: []string{args[1]}})
		ts.Check(err)
	}
	tree, err := repo.Worktree()
	ts.Check(err)
	ts.Check(tree.AddWithOptions(&gogit.AddOptions{All: true}))
	sha, err := tree.Commit("change", &gogit.CommitOptions{Author: &object.Signature{Name: "a", Email: "a@b", When: time.Now()}})
	ts.Check(err)
	ts.Setenv("COMMIT", sha.String())
}

func tag(ts *testscript.TestScript, _ bool, args []string) {
	repo, err := gogit.PlainOpen(ts.MkAbs(args[0]))
	ts.Check(err)
	head, err := repo.Head()
	ts.Check(err)
	_, err = repo.CreateTag(args[1], head.Hash(), nil)
	ts.Check(err)
}
