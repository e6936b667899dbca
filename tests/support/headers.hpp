#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "precompiled.hpp"
#include "support/readable_parameters.hpp"
