package health

import (
	"testing"

	"sigs.k8s.io/yaml"
)

func TestVague(t *testing.T) {
	for _, tt := range []struct {
		object string
		want   bool
	}{
		{`{apiVersion: v1, kind: ConfigMap}`, false},
		{`{apiVersion: apps/v1, kind: Deployment}`, false},
		{`{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway}`, false},
		{`{apiVersion: example.com/v1, kind: Database}`, true},
		{`{apiVersion: example.com/v1, kind: Database, status: {phase: Ready}}`, true},
		{`{apiVersion: example.com/v1, kind: Database, status: {conditions: [{type: Ready, status: "True"}]}}`, true},
		{`{apiVersion: example.com/v1, kind: Database, status: {observedGeneration: 1}}`, false},
		{`{apiVersion: example.com/v1, kind: Database, status: {conditions: [{type: Ready, observedGeneration: 2}]}}`, false},
		{`{apiVersion: example.com/v1, kind: Database, status: {conditions: none}}`, true},
	} {
		t.Run(tt.object, func(t *testing.T) {
			var object map[string]any
			if err := yaml.Unmarshal([]byte(tt.object), &object); err != nil {
				t.Fatal(err)
			}
			if got := Vague(object); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
