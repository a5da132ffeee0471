package simtest

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var (
	mutations = flag.Bool("mutations", false, "break the engine on purpose, in each way of testdata/mutations, and see that it is noticed")
	within    = flag.Uint64("within", 1000, "how many seeds have to notice a mutation")
)

// A mutation is a mistake that the engine might make: a file of testdata/mutations
// says why it is one, which text of which file of the engine is replaced, and by
// what instead.
type mutation struct {
	file     string // path
	old, new string
}

func readMutation(path string) (*mutation, error) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		return nil, err
	}
	if len(archive.Files) != 2 || archive.Files[1].Name != "instead" || len(strings.TrimSpace(string(archive.Comment))) == 0 {
		return nil, fmt.Errorf("%s: want why, a file with its old text, and what stands there instead", path)
	}
	file, err := filepath.Abs(filepath.Join("..", "..", archive.Files[0].Name))
	return &mutation{file, text(archive.Files[0].Data), text(archive.Files[1].Data)}, err
}

// text is without its last newline, for a replacement may be a part of a line.
func text(b []byte) string { return strings.TrimSuffix(string(b), "\n") }

// mutated is the file as the mutation leaves it.
func (m *mutation) mutated() (string, error) {
	source, err := os.ReadFile(m.file)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(source), m.old); n != 1 {
		return "", fmt.Errorf("%s has this %d times, not once:\n%s", m.file, n, m.old)
	}
	return strings.Replace(string(source), m.old, m.new, 1), nil
}

// The properties can fail: whatever mutation the engine has, a story or a seed
// notices. Without -mutations this sees only that the list is up to date.
//
//	go test ./agent/simtest -run TestMutations -mutations -v -timeout 1h
func TestMutations(t *testing.T) {
	files, err := filepath.Glob("testdata/mutations/*.txt")
	if err != nil || len(files) < 17 {
		t.Fatalf("%d mutations: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			m, err := readMutation(file)
			if err != nil {
				t.Fatal(err)
			}
			source, err := m.mutated()
			if err != nil {
				t.Fatal(err)
			}
			if *mutations {
				t.Log(notices(t, m, source))
			}
		})
	}
}

// notices builds the tests with a file of the engine replaced, runs them, and
// returns what noticed. The tree stays as it is.
func notices(t *testing.T, m *mutation, source string) string {
	t.Helper()
	dir := t.TempDir()
	replacement, overlay, binary := filepath.Join(dir, "mutated.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "simtest.test")
	raw, err := json.Marshal(map[string]any{"Replace": map[string]string{m.file: replacement}})
	if err != nil {
		t.Fatal(err)
	}
	for path, data := range map[string][]byte{replacement: []byte(source), overlay: raw} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", overlay, "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("it does not compile: %v\n%s", err, out)
	}
	var noticed []string
	many := fmt.Sprint(*within)
	for _, args := range [][]string{{"-test.run", "TestScripts"}, {"-test.run", "TestSeeds$", "-seeds", many}, {"-test.run", "TestReplicatedSeeds$", "-replicas", fmt.Sprint(*within / 4)}} {
		run := exec.CommandContext(t.Context(), binary, append(args, "-test.timeout", "5m")...)
		if out, err := run.CombinedOutput(); err != nil {
			noticed = append(noticed, complaints(string(out)))
		}
	}
	if len(noticed) == 0 {
		t.Fatalf("no story and none of %d seeds notices", *within)
	}
	return strings.Join(noticed, "; ")
}

var (
	failedStory = regexp.MustCompile(`(?m)^    --- FAIL: TestScripts/(\S+)`)
	failedSeed  = regexp.MustCompile(`(?m)\bseed \d+: .*`)
	fatally     = regexp.MustCompile(`(?m)^(panic|fatal error): .*`)
)

// complaints are the stories that failed, or the first seed, or a crash.
func complaints(out string) string {
	var stories []string
	for _, found := range failedStory.FindAllStringSubmatch(out, -1) {
		stories = append(stories, found[1])
	}
	for _, first := range []string{strings.Join(stories, " "), failedSeed.FindString(out), fatally.FindString(out)} {
		if first != "" {
			return clip(first)
		}
	}
	return "it fails: " + clip(out)
}
