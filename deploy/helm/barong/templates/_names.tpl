{{/* The name of everything: the release's, with the chart's where it is not in it. */}}
{{- define "barong.name" -}}
{{- $name := printf "%s-%s" .Release.Name .Chart.Name }}
{{- if contains .Chart.Name .Release.Name }}{{ $name = .Release.Name }}{{ end }}
{{- $name | trunc 50 | trimSuffix "-" }}
{{- end }}

{{/* What the pods that serve are found by; never changed, since a Deployment forbids it. */}}
{{- define "barong.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: server
{{- end }}

{{- define "barong.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "barong.image" -}}
{{- with .Values.image }}{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}{{ end }}
{{- end }}

{{/* The files of the Secret, as the list `items` of a volume, and the settings that name them. */}}
{{- define "barong.secretFiles" -}}
{{- range list "DATABASE_URL" "BARONG_OTP_KEY" "BARONG_STORAGE_SIGNING_KEY" "BARONG_JOURNAL_SIGNING_KEY" }}
- {key: {{ . }}, path: {{ . }}}
{{- end }}
{{- range $name, $given := .Values.optionalSecrets }}{{ if $given }}
- {key: {{ $name }}, path: {{ $name }}}
{{- end }}{{ end }}
{{- end }}

{{- define "barong.secretSettings" -}}
{{- range list "DATABASE_URL" "BARONG_OTP_KEY" "BARONG_STORAGE_SIGNING_KEY" "BARONG_JOURNAL_SIGNING_KEY" }}
- {name: {{ . }}_FILE, value: /etc/barong-secrets/{{ . }}}
{{- end }}
{{- range $name, $given := .Values.optionalSecrets }}{{ if $given }}
- {name: {{ if eq $name "AWS_CREDENTIALS" }}AWS_SHARED_CREDENTIALS_FILE{{ else }}{{ $name }}_FILE{{ end }}, value: /etc/barong-secrets/{{ $name }}}
{{- end }}{{ end }}
{{- end }}

{{/* The pod and the container have no rights: the policy "restricted" of Kubernetes. */}}
{{- define "barong.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "barong.containerSecurity" -}}
readOnlyRootFilesystem: true
allowPrivilegeEscalation: false
capabilities: {drop: [ALL]}
{{- end }}
