package sdk

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tidelock-io/tidelock/plugins/sdk/wire"
)

// asked makes a tree over files and returns it with the questions it asks, and "" after
// each exchange.
func asked(files fstest.MapFS) (*tree, *[]string) {
	questions := &[]string{}
	answer := func(ask *wire.Ask) *wire.Answer {
		*questions = append(*questions, strings.ToLower(ask.GetOperation().String())+" "+ask.GetName())
		answer := &wire.Answer{Id: ask.GetId(), Path: ask.GetName()}
		info, err := files.Stat(ask.GetName())
		if err != nil {
			answer.Failure = Kinds().Failure(err)
			return answer
		}
		answer.Info = wire.ToInfo(info)
		if ask.GetOperation() == wire.Ask_OPEN && !info.IsDir() {
			answer.Data, _ = files.ReadFile(ask.GetName())
		}
		if ask.GetOperation() == wire.Ask_READ_DIR {
			entries, _ := files.ReadDir(ask.GetName())
			for _, e := range entries {
				answer.Entries = append(answer.Entries, &wire.FileInfo{Name: e.Name(), Mode: uint32(e.Type())})
			}
		}
		return answer
	}
	return newTree(func(asks []*wire.Ask) (answers []*wire.Answer, err error) {
		for _, ask := range asks {
			answers = append(answers, answer(ask))
		}
		*questions = append(*questions, "")
		return answers, nil
	}), questions
}

// TestTreeAsksOnce: an answer is remembered, and that to an open serves a
// resolve too.
func TestTreeAsksOnce(t *testing.T) {
	tree, questions := asked(fstest.MapFS{"a/b.yaml": {Data: []byte("b")}})
	for range 2 {
		if data, err := tree.ReadFile("a/b.yaml"); err != nil || string(data) != "b" {
			t.Errorf("ReadFile: %q, %v", data, err)
		}
		if path, info, err := tree.Resolve("a/b.yaml"); err != nil || path != "a/b.yaml" || info.Size() != 1 {
			t.Errorf("Resolve: %q, %v, %v", path, info, err)
		}
		if _, err := tree.ReadFile("a"); !errors.Is(err, errIsDir) {
			t.Errorf("ReadFile of a directory: %v", err)
		}
		if _, err := tree.Stat("no"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Stat of nothing: %v", err)
		}
		if _, err := tree.ReadFile("../a"); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("ReadFile of no path: %v", err)
		}
	}
	if want := []string{"open a/b.yaml", "", "open a", "", "stat no", ""}; !slices.Equal(*questions, want) {
		t.Errorf("asked %q, want %q", *questions, want)
	}
}

// TestPrefetch: many files cost one exchange, and are not asked for again.
func TestPrefetch(t *testing.T) {
	tree, questions := asked(fstest.MapFS{"a": {Data: []byte("a")}, "b": {Data: []byte("b")}})
	Prefetch(tree, "a", "../no", "b", "c", "a")
	if data, err := tree.ReadFile("b"); err != nil || string(data) != "b" {
		t.Errorf("ReadFile: %q, %v", data, err)
	}
	if _, _, err := tree.Resolve("c"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Resolve of nothing: %v", err)
	}
	if want := []string{"open a", "open b", "open c", "open a", ""}; !slices.Equal(*questions, want) {
		t.Errorf("asked %q, want %q", *questions, want)
	}
}

// TestTreeIsFS: Go's own rules for file systems hold.
func TestTreeIsFS(t *testing.T) {
	tree, _ := asked(fstest.MapFS{"a/b.yaml": {Data: []byte("b"), Mode: 0o644}, "c": {Data: []byte("c"), Mode: 0o644}})
	var walked []string
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		walked = append(walked, fmt.Sprintln(name, d.IsDir(), err))
		return nil
	})
	if want := []string{". true <nil>\n", "a true <nil>\n", "a/b.yaml false <nil>\n", "c false <nil>\n"}; err != nil || !slices.Equal(walked, want) {
		t.Errorf("walked %q, %v; want %q", walked, err, want)
	}
}
