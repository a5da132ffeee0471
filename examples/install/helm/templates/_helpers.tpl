{{- define "tidelock.sealing" -}}
{{ $.Values.sealedSecretsNamespace | default (empty $.Values.namespaces | ternary "kube-system" $.Release.Namespace) }}
{{- end }}
