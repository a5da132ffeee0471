package kustomize_test

import (
	"testing"

	"github.com/tidelock-io/tidelock/plugins/kustomize"
	"github.com/tidelock-io/tidelock/plugins/pluginstest"
)

func TestMain(m *testing.M) { pluginstest.Main(m, kustomize.Plugin("test")) }

func TestGolden(t *testing.T) { pluginstest.Golden(t, "kustomize") }
