package check

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/tidelock-io/tidelock/plugins/sops/leaves"
	"github.com/tidelock-io/tidelock/secrets/inventory"
)

// marks are parts of names that people tell both forms of a file apart by.
var (
	encryptedMarks = []string{".enc", ".sops", ".encrypted"}
	plainMarks     = []string{".dec", ".plain", ".decrypted", ".clear"}
)

// beside finds what sops -d left behind: a file in clear, under the name that it
// would have, which holds what the encrypted one beside it holds. What .gitignore
// names is not seen.
func (c *checker) beside(tree fs.FS, item *inventory.Item) {
	cipher, err := fs.ReadFile(tree, item.Path)
	if err != nil {
		return
	}
	for _, name := range plainNames(path.Base(item.Path)) {
		at := path.Join(path.Dir(item.Path), name)
		if !c.clear[at] {
			continue
		}
		plain, err := fs.ReadFile(tree, at)
		if err == nil && sameInClear(item.Format, cipher, plain) {
			c.result.add(Finding{
				Kind: NotEncrypted, Path: at,
				Message: fmt.Sprintf("it holds in clear what %s holds encrypted (hint: remove it, or name it in .gitignore)", path.Base(item.Path)),
			})
		}
	}
}

// hollow finds a file that went through SOPS, and of which its rule encrypts
// nothing: a regular expression for manifests, used on a file of variables.
func (c *checker) hollow(tree fs.FS, item *inventory.Item) {
	data, err := fs.ReadFile(tree, item.Path)
	if err == nil && item.Part.Rule != "" && bytes.Count(data, []byte("ENC[AES256_GCM")) <= 1 { // that of the authentication code
		c.add(NotEncrypted, item, fmt.Sprintf("SOPS encrypted nothing in it: %s is for none of its values", item.Part))
	}
}

// plainNames are those that the plain form of a file is given.
func plainNames(encrypted string) []string {
	stem, ext := strings.TrimSuffix(encrypted, path.Ext(encrypted)), path.Ext(encrypted)
	var names []string
	for _, mark := range encryptedMarks {
		switch {
		case ext == mark: // db.yaml.enc
			names = append(names, stem)
			stem, ext = strings.TrimSuffix(stem, path.Ext(stem)), path.Ext(stem)
		case strings.HasSuffix(stem, mark): // db.enc.yaml
			stem = strings.TrimSuffix(stem, mark)
			names = append(names, stem+ext)
		}
	}
	for _, mark := range plainMarks {
		names = append(names, stem+mark+ext, stem+ext+mark)
	}
	return names
}

// sameInClear says whether a text has values at places where the other has
// encrypted ones.
func sameInClear(format string, cipher, plain []byte) bool {
	if format == "binary" {
		return len(plain) > 0
	}
	for _, leaf := range leaves.Of(format, cipher, plain) {
		if len(leaf.Path) > 0 && leaf.Value.Len() > 0 {
			return true
		}
	}
	return false
}
