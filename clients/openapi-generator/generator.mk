# openapi-generator for the clients that are made with it: their Makefiles
# include this one. Fetched once, for all of them, into clients/.cache.

HERE          := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))
CACHE         := $(HERE)/../.cache/openapi-generator
GENERATOR     := $(CACHE)/node_modules/@openapitools/openapi-generator-cli/bin/openapi-generator.jar
SPECIFICATION := $(HERE)/../.cache/openapi.client.json
REPOSITORY    := $(HERE)/../..

$(GENERATOR): $(HERE)/package.json $(HERE)/package-lock.json
	@mkdir -p $(CACHE)
	cp $^ $(CACHE)
	npm ci --prefix $(CACHE) --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# JSON alone, as a server serves it at /openapi.client.json: this generator takes one
# media type a body.
$(SPECIFICATION): $(REPOSITORY)/openapi.yaml $(wildcard $(REPOSITORY)/internal/clientspec/*.go $(REPOSITORY)/internal/clientspec/derive/*.go)
	@mkdir -p $(dir $@)
	cd $(REPOSITORY) && go run ./internal/clientspec/derive openapi.yaml > $@.new
	mv $@.new $@

# $(call generate,GENERATOR,PROPERTIES) leaves sources and documentation in build/generated.
define generate
	rm -rf build/generated && mkdir -p build
	java -jar $(GENERATOR) generate -g $(1) -i $(SPECIFICATION) -o build/generated --additional-properties $(2) \
	  --global-property apiTests=false,modelTests=false > build/generator.log 2>&1 \
	  || { cat build/generator.log; exit 1; }
	@! grep -rn --exclude-dir=docs 'UNKNOWN_BASE_TYPE\|AnyOf' build/generated || { echo 'openapi.yaml has a type that openapi-generator cannot express: see generator.mk'; exit 1; }
endef

# $(call debian,PACKAGES,OTHERWISE) installs them, or says what to do instead.
define debian
	if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
	  apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $(1); \
	else echo "$(2)"; exit 1; fi
endef

.PHONY: java
java:
	@command -v npm > /dev/null || { echo 'openapi-generator comes from npm: install Node.js 20'; exit 1; }
	@command -v java > /dev/null || { $(call debian,default-jre-headless,openapi-generator needs Java 8 or later: install it); }
