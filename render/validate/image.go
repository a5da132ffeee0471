package validate

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/distribution/reference"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// placeholder is an image that others put another in the place of: ${IMAGE}, IMAGE_NAME.
var placeholder = regexp.MustCompile(`[${}<>%]|^[A-Z][A-Z_]*$`)

// image tells of names that no image can have. An API server takes them, and kubelets
// do not: InvalidImageName.
func (p *pod) image(at *field.Path, name string) {
	if placeholder.MatchString(name) {
		return
	}
	_, err := reference.ParseNormalizedNamed(name)
	if err == nil {
		return
	}
	message := "it is no name of an image"
	switch {
	case errors.Is(err, reference.ErrNameContainsUppercase):
		message = "a repository's name is in lower case"
	case errors.Is(err, reference.ErrNameTooLong):
		message = "a repository's name is too long"
	}
	p.r.add(RuleImage, at.String(), message, fmt.Sprintf("a name is such as registry.example.com/shop/web:1.4.2, and %.100q is none", name))
}
