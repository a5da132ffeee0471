package overlay_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/cmd/testenv"
	"github.com/tidelock-io/tidelock/render/overlay"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"
)

// edits are kustomizations, arguments, and what becomes of them.
var edits = []struct{ name, in, args, want string }{
	{
		"a tag, and nothing else moves",
		"# who runs what\nresources:\n  - ../../base   # all of it\n\nimages:\n  # the api\n  - name:   api\n    newTag: v1 # not v0\n  - {name: web, newTag: '1.0'}\n# components: [secrets]\n",
		"api:v2 web:1.10",
		"# who runs what\nresources:\n  - ../../base   # all of it\n\nimages:\n  # the api\n  - name:   api\n    newTag: v2 # not v0\n  - {name: web, newTag: '1.10'}\n# components: [secrets]\n",
	},
	{"a name, too", "images:\n- name: api\n  newTag: v1\n", "api=registry:5000/org/api:sha-abc123", "images:\n- name: api\n  newName: registry:5000/org/api\n  newTag: sha-abc123\n"},
	{"what is not given goes", "images:\n- name: api\n  newName: r/api # mirror\n  newTag: v1\n", "api:v2", "images:\n- name: api\n  newTag: v2\n"},
	{"what is to be kept stays", "images:\n- name: api\n  newName: r/api # mirror\n  newTag: v1\n", "api=*:v2", "images:\n- name: api\n  newName: r/api # mirror\n  newTag: v2\n"},
	{"kept, all of it", "images:\n- name: api\n  newName: r/api\n  newTag: v1\n  digest: sha256:aa\n", "api=*:*@*", "images:\n- name: api\n  newName: r/api\n  newTag: v1\n  digest: sha256:aa\n"},
	{"a new name keeps the tag", "images:\n- name: api\n  newTag: v1\n", "api=r/api:*", "images:\n- name: api\n  newName: r/api\n  newTag: v1\n"},
	{"a name without a tag", "images:\n- name: api\n  newTag: v1\n", "api=r/api", "images:\n- name: api\n  newName: r/api\n"},
	{"a digest in the place of a tag", "images:\n- name: api\n  newTag: v1\n", "api@sha256:24a0c4b4", "images:\n- name: api\n  digest: sha256:24a0c4b4\n"},
	{"a tag in the place of a digest, which kustomize writes first", "images:\n- digest: sha256:aa\n  # the api\n  name: api\n- name: web\n", "api:v2", "images:\n  # the api\n- name: api\n  newTag: v2\n- name: web\n"},
	{"two that go before the name", "images:\n- digest: sha256:aa\n  newTag: v1\n  name: api\n", "api=r/api", "images:\n- name: api\n  newName: r/api\n"},
	{"a tag and a digest", "images:\n- name: api\n", "api:v2@sha256:bb", "images:\n- name: api\n  newTag: v2\n  digest: sha256:bb\n"},
	{"a tag that is a number", "images:\n- name: api\n  newTag: v1\n", "api:1.10", "images:\n- name: api\n  newTag: \"1.10\"\n"},
	{"numbers, dates and words that YAML knows", "resources: [a.yaml]\n", "a:1234 b:3.2e2 c:2024-01-01 d:yes e:null f:0x10 g:1_000 h:0o7 i:017 j:on k:5e1", "resources: [a.yaml]\nimages:\n- name: a\n  newTag: \"1234\"\n- name: b\n  newTag: \"3.2e2\"\n- name: c\n  newTag: \"2024-01-01\"\n- name: d\n  newTag: \"yes\"\n- name: e\n  newTag: \"null\"\n- name: f\n  newTag: \"0x10\"\n- name: g\n  newTag: \"1_000\"\n- name: h\n  newTag: \"0o7\"\n- name: i\n  newTag: \"017\"\n- name: j\n  newTag: \"on\"\n- name: k\n  newTag: \"5e1\"\n"},
	{"no list yet, indented as the others", "resources:\n  - a.yaml\n", "api:v2", "resources:\n  - a.yaml\nimages:\n  - name: api\n    newTag: v2\n"},
	{"no list yet, no last newline", "resources:\n- a.yaml", "api:v2", "resources:\n- a.yaml\nimages:\n- name: api\n  newTag: v2"},
	{"an empty list", "images: []\nresources: [a.yaml]\n", "api:v2", "images: [{name: api, newTag: v2}]\nresources: [a.yaml]\n"},
	{"a list of nothing", "images: # none yet\nresources: [a.yaml]\n", "api:v2", "images: # none yet\n- name: api\n  newTag: v2\nresources: [a.yaml]\n"},
	{"a new one at the end", "images:\n- name: api\n  newTag: v1 # a\n\n# b\nresources: [a.yaml]\n", "web=r/web:v2", "images:\n- name: api\n  newTag: v1 # a\n- name: web\n  newName: r/web\n  newTag: v2\n\n# b\nresources: [a.yaml]\n"},
	{"a new one, and the last one longer", "images:\n- name: api", "api:v1@sha256:aa web:v2", "images:\n- name: api\n  newTag: v1\n  digest: sha256:aa\n- name: web\n  newTag: v2"},
	{"a new one within braces", "images:\n- {name: api, newTag: v1}\nresources: [a.yaml]\n", "web=r:5/web:2", "images:\n- {name: api, newTag: v1}\n- {name: web, newName: \"r:5/web\", newTag: \"2\"}\nresources: [a.yaml]\n"},
	{"within braces", "images: [{newTag: v1, name: api}, {name: web, newTag: v1, digest: \"sha256:aa\"}]\n", "api@sha256:bb web=w", "images: [{name: api, digest: \"sha256:bb\"}, {name: web, newName: w}]\n"},
	{"JSON", "{\n  \"resources\": [\"a.yaml\"],\n  \"images\": [{\"name\": \"api\", \"newTag\": \"v1\"}]\n}\n", "api=r/api:v2 web:1", "{\n  \"resources\": [\"a.yaml\"],\n  \"images\": [{\"name\": \"web\", \"newTag\": \"1\"}, {\"name\": \"api\", \"newName\": \"r/api\", \"newTag\": \"v2\"}]\n}\n"},
	{"JSON without images", "{\"resources\": [\"a.yaml\"]}", "api:v2", "{\"images\": [{\"name\": \"api\", \"newTag\": \"v2\"}], \"resources\": [\"a.yaml\"]}"},
	{"the last of two arguments counts", "images:\n- name: api\n", "api:v2 api:v3", "images:\n- name: api\n  newTag: v3\n"},
	{"lines as Windows ends them", "images:\r\n- name: api\r\n  newTag: v1\r\n", "api=r/api:v2 web:v3", "images:\r\n- name: api\r\n  newName: r/api\r\n  newTag: v2\r\n- name: web\r\n  newTag: v3\r\n"},
	{"letters of more than a byte", "images:\n- {name: \"api\", newTag: \"v1\"} # für alle\n- name: wéb # ö\n  newTag: v1 # ü\n", "wéb:v2 api:v2", "images:\n- {name: \"api\", newTag: \"v2\"} # für alle\n- name: wéb # ö\n  newTag: v2 # ü\n"},
	{"nothing to do", "images:\n- name:   api\n  newTag:   'v1'\n", "api:v1", "images:\n- name:   api\n  newTag:   'v1'\n"},
	{"a port is no tag", "resources: [a.yaml]\n", "localhost:5000/api:v1", "resources: [a.yaml]\nimages:\n- name: localhost:5000/api\n  newTag: v1\n"},
	{"an image of another list", "patches:\n- path: a.yaml\n  target: {name: api}\nimages:\n- name: api\n  newTag: v1\n", "api:v2", "patches:\n- path: a.yaml\n  target: {name: api}\nimages:\n- name: api\n  newTag: v2\n"},
}

func parsed(t *testing.T, args string) (list []types.Image) {
	t.Helper()
	for _, arg := range strings.Fields(args) {
		image, err := overlay.ParseImage(arg)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, image)
	}
	return list
}

func TestSetImages(t *testing.T) {
	for _, tt := range edits {
		t.Run(tt.name, func(t *testing.T) {
			got, err := overlay.SetImages([]byte(tt.in), parsed(t, tt.args))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.want {
				t.Errorf("%s\ngot:\n%s\nwant:\n%s", tt.args, got, tt.want)
			}
		})
	}
}

// TestAsKustomize gives the same arguments to kustomize itself.
func TestAsKustomize(t *testing.T) {
	program, err := testenv.Tool(context.Background(), testenv.KustomizeTool)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range edits {
		t.Run(tt.name, func(t *testing.T) {
			theirs := kustomize(t, program, tt.in, tt.args)
			ours, err := overlay.SetImages([]byte(tt.in), parsed(t, tt.args))
			if err != nil {
				t.Fatal(err)
			}
			if got, want := images(t, ours), images(t, theirs); !reflect.DeepEqual(got, want) {
				t.Errorf("%s\nhere:      %+v\nkustomize: %+v", tt.args, got, want)
			}
			if got, want := comments(ours), comments([]byte(tt.in)); got < want && !strings.Contains(tt.in, "# mirror") {
				t.Errorf("%d of %d comments are there:\n%s", got, want, ours)
			}
		})
	}
}

func kustomize(t *testing.T, program, text, args string) []byte {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "kustomization.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, append([]string{"edit", "set", "image"}, strings.Fields(args)...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	edited, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return edited
}

// images are those of a kustomization, by name.
func images(t *testing.T, text []byte) []types.Image {
	t.Helper()
	var k struct{ Images []types.Image }
	if err := yaml.Unmarshal(text, &k); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(k.Images, func(a, b types.Image) int { return strings.Compare(a.Name, b.Name) })
	return k.Images
}

func comments(text []byte) int { return bytes.Count(text, []byte("# ")) }

func TestSetImagesErrors(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"an anchor", "images:\n- &a {name: api, newTag: v1}\n- {name: web}\n", "not edited in place"},
		{"an alias", "x: &tag v1\nimages:\n- name: api\n  newTag: *tag\n", "not edited in place"},
		{"a block scalar", "images:\n- name: api\n  newTag: |-\n    v1\n", "not edited in place"},
		{"a merge", "x: &x {newTag: v1}\nimages:\n- name: api\n  <<: *x\n", "not edited in place"},
		{"twice", "images:\n- name: api\n- name: api\n", "image api: the list has it twice"},
		{"no list", "images: {name: api}\n", "cannot unmarshal object into"},
		{"several documents", "images: []\n---\nimages: []\n", "several documents"},
		{"no mapping", "- a\n", "cannot unmarshal array"},
		{"empty", "# nothing\n", "it is empty"},
		{"no YAML", "images: [\n", "did not find"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := overlay.SetImages([]byte(tt.in), parsed(t, "api:v2"))
			if err == nil || !strings.Contains(err.Error(), tt.want) || got != nil {
				t.Errorf("got %q, %v, want an error with %q", got, err, tt.want)
			}
		})
	}
}

func TestParseImageErrors(t *testing.T) {
	for _, arg := range []string{"", "api", "registry/api", "=", "=:v1", ":v1", "a b:v1", "api=a b:v1", "api:v 1", "api@sha256", "api:v1\nx", "api:-x"} {
		if image, err := overlay.ParseImage(arg); err == nil {
			t.Errorf("%q is %+v", arg, image)
		} else if !errors.Is(err, overlay.ErrImage) && !strings.Contains(err.Error(), "is no ") {
			t.Errorf("%q: %v", arg, err)
		}
	}
}

// FuzzSetImages looks for texts that an edit spoils: what is returned says the
// same as before, but for the image.
func FuzzSetImages(f *testing.F) {
	for _, tt := range edits {
		f.Add([]byte(tt.in), "v2")
	}
	f.Fuzz(func(t *testing.T, text []byte, tag string) {
		image, err := overlay.ParseImage("api:" + tag)
		if err != nil || image.NewTag == overlay.Keep {
			return
		}
		edited, err := overlay.SetImages(text, []types.Image{image})
		if err != nil {
			return
		}
		list, err := overlay.Images(edited)
		if err != nil || !slices.Contains(list, image) {
			t.Fatalf("%q, %v:\n%s", tag, list, edited)
		}
		again, err := overlay.SetImages(edited, []types.Image{image})
		if err != nil || !bytes.Equal(again, edited) {
			t.Fatalf("not the same again: %v\n%s\n%s", err, edited, again)
		}
	})
}
