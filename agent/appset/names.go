package appset

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/gosimple/slug"
	"sigs.k8s.io/yaml"
)

var notInNames = regexp.MustCompile("[^-a-z0-9.]")

// maxName is the length of a DNS name.
const maxName = 253

// normalize makes a name that objects may have.
func normalize(name string) string {
	name = notInNames.ReplaceAllString(strings.ToLower(name), "-")
	return strings.Trim(name[:min(len(name), maxName)], "-.")
}

// slugify makes a slug of its last argument. The first of others is how long it may be
// (50), the second whether it ends with a whole word (true).
func slugify(args ...any) (string, error) {
	most, whole := 50, true
	if len(args) == 0 {
		return "", fmt.Errorf("slugify needs a text")
	}
	name, isText := args[len(args)-1].(string)
	ok := isText && len(args) <= 3
	if len(args) > 1 && ok {
		most, ok = args[0].(int)
	}
	if len(args) > 2 && ok {
		whole, ok = args[1].(bool)
	}
	if !ok || most < 0 {
		return "", fmt.Errorf("slugify takes a length, whether to end with a whole word, and a text")
	}
	name = normalize(name)
	if !whole {
		return slug.Make(name[:min(len(name), most)]), nil
	}
	return shorten(slug.Make(name), most), nil
}

// branchSlug is a slug of a branch's name, with room for what is put around it in a
// DNS label.
func branchSlug(branch string) string {
	return shorten(slug.Make(strings.ReplaceAll(branch, "_", "-")), 50)
}

// shorten cuts a slug after a whole word, if there is one. 0 is no limit.
func shorten(text string, most int) string {
	if most == 0 || len(text) <= most {
		return text
	}
	if i := strings.LastIndex(text[:most+1], "-"); i >= 0 {
		return text[:i]
	}
	return text[:most]
}

func toYAML(v any) (string, error) {
	text, err := yaml.Marshal(v)
	return strings.TrimSuffix(string(text), "\n"), err
}

func fromYAML(text string) (map[string]any, error) {
	out := map[string]any{}
	err := yaml.Unmarshal([]byte(text), &out)
	return out, err
}

func fromYAMLArray(text string) ([]any, error) {
	out := []any{}
	err := yaml.Unmarshal([]byte(text), &out)
	return out, err
}
