package pluginstest

import "github.com/tidelock-io/tidelock/plugins/sdk/sdktest"

// Tree is sdktest's.
type Tree = sdktest.Tree

// ParseTree is sdktest's.
func ParseTree(archive string) *Tree { return sdktest.ParseTree(archive) }
