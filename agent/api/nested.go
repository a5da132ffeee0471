package api

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/json"
)

// maxNestedGenerator bounds one child of a matrix or merge generator, in bytes.
const maxNestedGenerator = 1 << 20

// Decode returns the generator. It fails if the child is too large or does not have a
// generator's shape; unknown fields are dropped, as the API server does elsewhere.
func (n NestedGenerator) Decode() (Generator, error) {
	var g Generator
	if len(n.Raw) > maxNestedGenerator {
		return g, fmt.Errorf("nested generator is over %d bytes", maxNestedGenerator)
	}
	if err := json.Unmarshal(n.Raw, &g); err != nil {
		return Generator{}, fmt.Errorf("decode nested generator: %w", err)
	}
	return g, nil
}
