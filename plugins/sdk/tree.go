package sdk

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"sync"

	"github.com/tidelock-io/tidelock/plugins/sdk/wire"
)

var errIsDir = errors.New("is a directory")

// Prefetch tells a tree what will be read next. It is a hint that saves time: a
// file costs a round trip to the host, many that are named together cost one.
// Each counts as read, so name only what will be.
func Prefetch(t Tree, names ...string) {
	if t, ok := t.(*tree); ok {
		t.prefetch(names)
	}
}

// tree is the plugin's side of a Tree: it asks the host, and remembers the
// answers, for a commit does not change.
type tree struct {
	// exchange asks several questions at once, at most maxAsks.
	exchange func([]*wire.Ask) ([]*wire.Answer, error)

	mu    sync.Mutex // guards exchange and known
	known map[question]*wire.Answer
}

type question struct {
	operation wire.Ask_Operation
	name      string
}

// maxAsks is how many questions go out before an answer is read. They must fit
// into the window of the connection, or both sides wait for each other.
const maxAsks = 256

func newTree(exchange func([]*wire.Ask) ([]*wire.Answer, error)) *tree {
	return &tree{exchange: exchange, known: map[question]*wire.Answer{}}
}

// ask returns the host's answer, or its failure, which names the file.
func (t *tree) ask(op wire.Ask_Operation, name string) (*wire.Answer, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: verb(op), Path: name, Err: fs.ErrInvalid}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	answer, err := t.answer(op, name)
	if err != nil {
		return nil, &fs.PathError{Op: verb(op), Path: name, Err: err}
	}
	if f := answer.GetFailure(); f != nil {
		return nil, Kinds().Error(f)
	}
	return answer, nil
}

// answer needs t.mu. The answer to an open serves a resolve as well.
func (t *tree) answer(op wire.Ask_Operation, name string) (*wire.Answer, error) {
	if answer, ok := t.known[question{op, name}]; ok {
		return answer, nil
	}
	answers, err := t.exchange([]*wire.Ask{{Operation: op, Name: name}})
	if err != nil {
		return nil, err
	}
	t.keep(op, name, answers[0])
	return answers[0], nil
}

// keep needs t.mu.
func (t *tree) keep(op wire.Ask_Operation, name string, answer *wire.Answer) {
	t.known[question{op, name}] = answer
	if op == wire.Ask_OPEN {
		t.known[question{wire.Ask_RESOLVE, name}] = answer
	}
}

// prefetch opens files. What goes wrong shows when they are read.
func (t *tree) prefetch(names []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var asks []*wire.Ask
	for _, name := range names {
		if _, ok := t.known[question{wire.Ask_OPEN, name}]; !ok && fs.ValidPath(name) && len(name) < maxName && len(asks) < maxAsks {
			asks = append(asks, &wire.Ask{Operation: wire.Ask_OPEN, Name: name})
		}
	}
	answers, err := t.exchange(asks)
	if err != nil {
		return
	}
	for i, answer := range answers {
		t.keep(wire.Ask_OPEN, asks[i].GetName(), answer)
	}
}

// maxName is the length of a name that is prefetched.
const maxName = 1 << 10

func verb(op wire.Ask_Operation) string {
	switch op {
	case wire.Ask_OPEN:
		return "open"
	case wire.Ask_STAT:
		return "stat"
	case wire.Ask_READ_DIR:
		return "readdir"
	}
	return "resolve"
}

// ReadFile costs one round trip, and so do ReadFile and Resolve together.
func (t *tree) ReadFile(name string) ([]byte, error) {
	answer, err := t.ask(wire.Ask_OPEN, name)
	if err != nil {
		return nil, err
	}
	if wire.FromInfo(answer.GetInfo()).IsDir() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errIsDir}
	}
	return bytes.Clone(answer.GetData()), nil
}

func (t *tree) ReadDir(name string) ([]fs.DirEntry, error) {
	answer, err := t.ask(wire.Ask_READ_DIR, name)
	if err != nil {
		return nil, err
	}
	entries := make([]fs.DirEntry, len(answer.GetEntries()))
	for i, e := range answer.GetEntries() {
		entries[i] = wire.FromInfo(e)
	}
	return entries, nil
}

func (t *tree) Stat(name string) (fs.FileInfo, error) {
	answer, err := t.ask(wire.Ask_STAT, name)
	if err != nil {
		return nil, err
	}
	return wire.FromInfo(answer.GetInfo()), nil
}

func (t *tree) Resolve(name string) (string, fs.FileInfo, error) {
	answer, err := t.ask(wire.Ask_RESOLVE, name)
	if err != nil {
		return "", nil, err
	}
	return answer.GetPath(), wire.FromInfo(answer.GetInfo()), nil
}

func (t *tree) Open(name string) (fs.File, error) {
	answer, err := t.ask(wire.Ask_OPEN, name)
	if err != nil {
		return nil, err
	}
	info := wire.FromInfo(answer.GetInfo())
	if !info.IsDir() {
		return &openFile{info, bytes.NewReader(answer.GetData())}, nil
	}
	entries, err := t.ReadDir(name)
	if err != nil {
		return nil, err
	}
	return &openDir{info, entries}, nil
}

type openFile struct {
	info wire.Stat
	*bytes.Reader
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

type openDir struct {
	info wire.Stat
	rest []fs.DirEntry
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openDir) Close() error               { return nil }
func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.Name(), Err: errIsDir}
}

// ReadDir is that of fs.ReadDirFile.
func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(d.rest)
	} else if len(d.rest) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.rest))
	entries := d.rest[:n]
	d.rest = d.rest[n:]
	return entries, nil
}
