# SPDX-License-Identifier: Apache-2.0
"""The parts of tools/natstest, the runner of the wire scripts in test/script."""
