# frozen_string_literal: true

# The management API of the Barong OAuth server. The parameters and the records are
# generated; the files of barong/ sign requests, send them again where that is safe,
# make typed errors of responses, read lists page by page and log.
require 'logger'
require 'set' # the generated sources use it without saying so
require 'barong_management'
require 'barong/version'
require 'barong/operations'
require 'barong/signing'
require 'barong/errors'
require 'barong/retries'
require 'barong/pages'
require 'barong/client'
