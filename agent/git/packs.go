package git

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
)

// packs is an object store. A slice is never changed: who fetches or repacks
// makes a new one, and readers of the old one go on.
type packs []*pack

// openPacks opens what a mirror has on disk.
func openPacks(dir string, bases cache.Object) (packs, error) {
	names, err := filepath.Glob(filepath.Join(dir, "pack-*.pack"))
	if err != nil {
		return nil, err
	}
	var ps packs
	for _, file := range names {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "pack-"), ".pack")
		p, err := openPack(dir, plumbing.NewHash(name), bases)
		if err != nil {
			return nil, err
		}
		ps = append(ps, p)
	}
	return ps, nil
}

// find returns the pack that holds h, nil if none does.
func (ps packs) find(h plumbing.Hash) *pack {
	for i := len(ps) - 1; i >= 0; i-- { // the newest first
		if ps[i].has(h) {
			return ps[i]
		}
	}
	return nil
}

func (ps packs) has(h plumbing.Hash) bool { return ps.find(h) != nil }

// damage is an object that should be there and is not, or is not what its name
// says.
type damage struct {
	object  plumbing.Hash
	missing bool
	err     error
}

func (d *damage) Error() string {
	if d.missing {
		return "object " + d.object.String() + " is missing"
	}
	return "object " + d.object.String() + ": " + d.err.Error()
}

// read returns the content of an object of type want, checked against its name.
// Content over limit bytes is not read.
func (ps packs) read(h plumbing.Hash, want plumbing.ObjectType, limit int64) ([]byte, error) {
	o, err := ps.object(h, limit)
	if err != nil {
		return nil, err
	}
	content, err := contentOf(o)
	if err != nil {
		return nil, &damage{object: h, err: err}
	}
	if plumbing.ComputeHash(o.Type(), content) != h {
		return nil, &damage{object: h, err: errors.New("content does not match the hash")}
	}
	if o.Type() != want {
		return nil, &wrongType{h, o.Type(), want}
	}
	return content, nil
}

// object unpacks an object that is not over a limit, unless it is at hand.
func (ps packs) object(h plumbing.Hash, limit int64) (plumbing.EncodedObject, error) {
	p := ps.find(h)
	if p == nil {
		return nil, &damage{object: h, missing: true}
	}
	o, known := p.bases.Get(h)
	var size int64
	var err error
	if known {
		size = o.Size()
	} else if size, err = p.size(h); err != nil {
		return nil, &damage{object: h, err: err}
	}
	if size > limit {
		return nil, &oversize{size, limit}
	}
	if !known {
		if o, err = p.object(h); err != nil {
			return nil, &damage{object: h, err: err}
		}
	}
	return o, nil
}

func (ps packs) size(h plumbing.Hash) (int64, error) {
	p := ps.find(h)
	if p == nil {
		return 0, &damage{object: h, missing: true}
	}
	size, err := p.size(h)
	if err != nil {
		return 0, &damage{object: h, err: err}
	}
	return size, nil
}

func contentOf(o plumbing.EncodedObject) ([]byte, error) {
	r, err := o.Reader()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	content := make([]byte, o.Size())
	_, err = io.ReadFull(r, content)
	return content, err
}

type oversize struct{ size, limit int64 }

func (o *oversize) Error() string { return "over the limit" }
func (o *oversize) Unwrap() error { return ErrTooLarge }

type wrongType struct {
	object    plumbing.Hash
	got, want plumbing.ObjectType
}

func (w *wrongType) Error() string {
	return "object " + w.object.String() + " is a " + w.got.String() + ", not a " + w.want.String()
}

// withPrefix returns up to max objects whose name begins with the hex digits.
func (ps packs) withPrefix(digits string, max int) []plumbing.Hash {
	first, err := hex.DecodeString(digits[:2])
	if err != nil {
		return nil
	}
	var found []plumbing.Hash
	seen := map[plumbing.Hash]bool{}
	for _, p := range ps {
		for _, h := range p.withPrefix(first[0], digits) {
			if !seen[h] && len(found) < max {
				seen[h] = true
				found = append(found, h)
			}
		}
	}
	return found
}

// withPrefix looks in the index' bucket of names that begin with the byte first.
func (p *pack) withPrefix(first byte, digits string) []plumbing.Hash {
	bucket := p.index.FanoutMapping[first]
	if bucket < 0 || bucket >= len(p.index.Names) {
		return nil
	}
	names := p.index.Names[bucket]
	const width = len(plumbing.Hash{})
	low, _ := hex.DecodeString((digits + "0")[:len(digits)/2*2+len(digits)%2*2])
	at := sort.Search(len(names)/width, func(i int) bool {
		return bytes.Compare(names[i*width:i*width+width], low) >= 0
	})
	var found []plumbing.Hash
	for ; at < len(names)/width; at++ {
		h := plumbing.Hash(names[at*width : at*width+width])
		if !strings.HasPrefix(h.String(), digits) {
			break
		}
		found = append(found, h)
	}
	return found
}

// writeFile replaces a file at once and whole.
func writeFile(name string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), "tmp_")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
