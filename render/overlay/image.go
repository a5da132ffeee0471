// Package overlay edits kustomization files. What an edit does not mean stays as
// it is, byte for byte: comments, order, quotes, indentation.
//
//	image, err := overlay.ParseImage("api=registry.example.com/api:v2")
//	text, err = overlay.SetImages(text, []types.Image{image})
package overlay

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"sigs.k8s.io/kustomize/api/pkg/util"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"
)

// Keep stands for what is there already, in a name, a tag or a digest.
const Keep = "*"

// Errors of what is no image.
var (
	ErrImage = errors.New("it is none of NAME:TAG, NAME@DIGEST, NAME:TAG@DIGEST, NAME=NEWNAME, NAME=NEWNAME:TAG, NAME=NEWNAME@DIGEST and NAME=NEWNAME:TAG@DIGEST")
	// ErrTwice is returned for a list that has an image more than once.
	ErrTwice = errors.New("the list has it twice: take one out")
)

var (
	aTag    = regexp.MustCompile(`^(\*|[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?$`)
	aDigest = regexp.MustCompile(`^(\*|[a-z0-9]+([+._-][a-z0-9]+)*:[A-Za-z0-9=_-]+)?$`)
	aName   = regexp.MustCompile(`^[^\s\x00-\x1f\x7f]+$`)
)

// ParseImage reads an image as the arguments of `kustomize edit set image` have
// it. A part that is not given is empty, and will be.
func ParseImage(arg string) (types.Image, error) {
	key, value, renamed := strings.Cut(arg, "=")
	if !renamed {
		value = arg
	}
	name, tag, digest := util.SplitImageName(value)
	image := types.Image{Name: name, NewTag: tag, Digest: digest}
	if renamed {
		image.Name, image.NewName = key, name
	}
	if name == arg || !aName.MatchString(image.Name) || (image.NewName != "" && !aName.MatchString(image.NewName)) {
		return types.Image{}, fmt.Errorf("image %q: %w", arg, ErrImage)
	}
	if !aTag.MatchString(tag) {
		return types.Image{}, fmt.Errorf("image %q: %q is no tag: letters, digits, '.', '_' and '-', at most 128", arg, tag)
	}
	if !aDigest.MatchString(digest) {
		return types.Image{}, fmt.Errorf("image %q: %q is no digest: sha256 and its hex digits, after a colon", arg, digest)
	}
	return image, nil
}

// Images are those that a kustomization lists.
func Images(text []byte) ([]types.Image, error) {
	var k struct {
		Images []types.Image `json:"images"`
	}
	if err := yaml.Unmarshal(text, &k); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, image := range k.Images {
		if seen[image.Name] {
			return nil, fmt.Errorf("image %s: %w", image.Name, ErrTwice)
		}
		seen[image.Name] = true
	}
	return k.Images, nil
}

// over is the image with what it keeps of the one that is there.
func over(image, old types.Image) types.Image {
	for _, part := range []struct {
		to   *string
		from string
	}{{&image.NewName, old.NewName}, {&image.NewTag, old.NewTag}, {&image.Digest, old.Digest}} {
		if *part.to == Keep {
			*part.to = part.from
		}
	}
	return image
}
