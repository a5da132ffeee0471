package openapi

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the schemas
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

//go:generate go run ./generate

//go:embed schemas.gz
var compressed []byte

// A store is what is embedded, line by line: a heading, how many definitions there
// are, these, the kinds of each version, and which definition a name has in each.
type store struct {
	definitions [][]byte
	versions    []*Version
	names       map[string][]byte // of definitions: their numbers by version
}

// open reads it once.
var open = sync.OnceValues(func() (*store, error) {
	unzip, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(unzip)
	if err != nil {
		return nil, err
	}
	return parse(text)
})

func parse(text []byte) (*store, error) {
	lines := bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
	if len(lines) < 2 {
		return nil, errors.New("the schemas are cut off")
	}
	n, err := strconv.Atoi(string(lines[1]))
	if err != nil || n < 0 || len(lines) < n+2 {
		return nil, errors.New("the schemas are cut off")
	}
	s := &store{definitions: lines[2 : n+2], names: map[string][]byte{}}
	for _, line := range lines[n+2:] {
		if err := s.line(line); err != nil {
			return nil, fmt.Errorf("schemas: %.80q: %w", line, err)
		}
	}
	return s, nil
}

func (s *store) line(line []byte) error {
	what, rest, _ := bytes.Cut(line, []byte(" "))
	switch string(what) {
	case "version":
		s.versions = append(s.versions, &Version{
			Name: string(rest), kinds: map[schema.GroupVersionKind]Kind{}, at: len(s.versions), store: s, decoded: map[string]*Schema{},
		})
		return nil
	case "kind":
		return s.kind(strings.Fields(string(rest)))
	case "name":
		name, numbers, _ := bytes.Cut(rest, []byte(" "))
		s.names[string(name)] = numbers
		return nil
	}
	return errors.New("it is none of version, kind and name")
}

func (s *store) kind(words []string) error {
	if len(words) != 4 || len(s.versions) == 0 {
		return errors.New("it is no kind")
	}
	gv, err := schema.ParseGroupVersion(words[0])
	if err != nil {
		return err
	}
	s.versions[len(s.versions)-1].kinds[gv.WithKind(words[1])] = Kind{words[2] == "namespaced", words[3]}
	return nil
}

// text returns the definition of a name in a version.
func (s *store) text(name string, version int) ([]byte, bool) {
	numbers := bytes.Fields(s.names[name])
	if version >= len(numbers) {
		return nil, false
	}
	n, err := strconv.Atoi(string(numbers[version]))
	if err != nil || n < 1 || n > len(s.definitions) {
		return nil, false
	}
	return s.definitions[n-1], true
}
