package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	yamlv3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

// callOfTidelock is one within a script: its words, up to what a shell would not
// give it.
var callOfTidelock = regexp.MustCompile(`(?m)(?:^|[;&|] *|then )tidelock ([^|;&>\n]*)`)

// TestCIExamples reads the templates for CI as their services do: what they call
// is there, and their scripts are shell.
func TestCIExamples(t *testing.T) {
	for _, tt := range []struct {
		file    string
		scripts func(*testing.T, []byte) []string
	}{{"github.yaml", githubScripts}, {"gitlab.yaml", gitlabScripts}} {
		t.Run(tt.file, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("../../examples/ci", tt.file))
			if err != nil {
				t.Fatal(err)
			}
			var called []string
			for _, script := range tt.scripts(t, text) {
				if out, err := exec.Command("sh", "-n", "-c", script).CombinedOutput(); err != nil {
					t.Errorf("%s: %s\n%s", err, out, script)
				}
				for _, call := range callOfTidelock.FindAllStringSubmatch(script, -1) {
					called = append(called, checkCall(t, strings.Fields(call[1])))
				}
			}
			for _, want := range []string{"validate", "secrets scan", "affected"} {
				if !slices.Contains(called, "tidelock "+want) {
					t.Errorf("it does not call tidelock %s but %q", want, called)
				}
			}
		})
	}
}

// checkCall parses a command line as tidelock would.
func checkCall(t *testing.T, words []string) string {
	t.Helper()
	cmd, args, err := newRootCommand().Find(words)
	if err != nil {
		t.Fatalf("%q: %v", words, err)
	}
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatalf("%q: %v", words, err)
	}
	if check := cmd.Args; check != nil {
		if err := check(cmd, cmd.Flags().Args()); err != nil {
			t.Fatalf("%q: %v", words, err)
		}
	}
	return cmd.CommandPath()
}

func githubScripts(t *testing.T, text []byte) (scripts []string) {
	var workflow struct {
		Name        string                    `yaml:"name"`
		On          map[string]any            `yaml:"on"`
		Permissions map[string]string         `yaml:"permissions"`
		Defaults    map[string]any            `yaml:"defaults"`
		Env         map[string]string         `yaml:"env"`
		Jobs        map[string]map[string]any `yaml:"jobs"`
	}
	decoder := yamlv3.NewDecoder(bytes.NewReader(text)) // in which on is a word, as for GitHub
	decoder.KnownFields(true)
	if err := decoder.Decode(&workflow); err != nil {
		t.Fatal(err)
	}
	if len(workflow.On) == 0 || workflow.Permissions["contents"] != "read" || len(workflow.Jobs) != 1 {
		t.Fatalf("%+v", workflow)
	}
	for _, job := range workflow.Jobs {
		for _, item := range job["steps"].([]any) {
			step := item.(map[string]any)
			run, isRun := step["run"].(string)
			if _, isUse := step["uses"].(string); isRun == isUse {
				t.Errorf("a step either runs or uses: %v", step)
			}
			if strings.Contains(run, "${{") {
				t.Errorf("an expression within a script lets who names a branch run commands: %s", run)
			}
			scripts = append(scripts, run)
		}
	}
	return scripts
}

func gitlabScripts(t *testing.T, text []byte) []string {
	type job struct {
		Extends      string              `json:"extends"`
		Image        string              `json:"image"`
		Stage        string              `json:"stage"`
		Variables    map[string]string   `json:"variables"`
		Cache        map[string]any      `json:"cache"`
		Rules        []map[string]string `json:"rules"`
		BeforeScript []string            `json:"before_script"`
		Script       []string            `json:"script"`
		Artifacts    map[string]any      `json:"artifacts"`
	}
	jobs := map[string]job{}
	if err := yaml.UnmarshalStrict(text, &jobs); err != nil {
		t.Fatal(err)
	}
	check, ok := jobs["tidelock"]
	if !ok || len(check.Rules) == 0 {
		t.Fatalf("%+v", jobs)
	}
	base, ok := jobs[check.Extends]
	if !ok || base.Image == "" {
		t.Fatalf("it extends %q", check.Extends)
	}
	return []string{strings.Join(base.BeforeScript, "\n"), strings.Join(check.Script, "\n")}
}

// The example for pre-commit names hooks that are there.
func TestPreCommitExample(t *testing.T) {
	var config struct {
		Repos []struct {
			Repo, Rev string
			Hooks     []struct{ ID string }
		}
	}
	var known []struct{ ID string }
	for file, into := range map[string]any{"examples/ci/pre-commit.yaml": &config, ".pre-commit-hooks.yaml": &known} {
		text, err := os.ReadFile(filepath.Join("../..", file))
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(text, into); err != nil {
			t.Fatal(err)
		}
	}
	if len(config.Repos) != 1 || len(config.Repos[0].Hooks) == 0 {
		t.Fatalf("%+v", config)
	}
	for _, hook := range config.Repos[0].Hooks {
		if !slices.Contains(known, hook) {
			t.Errorf("there is no hook %s", hook.ID)
		}
	}
}

// What init writes for CI are the examples.
func TestInitWritesTheExamples(t *testing.T) {
	for _, name := range []string{"github.yaml", "gitlab.yaml", "pre-commit.yaml"} {
		want, err := os.ReadFile(filepath.Join("../../examples/ci", name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := newFile{template: name}.text()
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("newrepo/%s is not examples/ci/%[1]s: copy it (%v)", name, err)
		}
	}
}
