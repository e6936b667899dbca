#pragma once

#include <nlohmann/json.hpp>

// Their members are compiled in json.cpp alone: each of the many files that read and write
// documents would compile them again, which took a third of the build's time.
extern template class nlohmann::basic_json<>;
extern template class nlohmann::basic_json<nlohmann::ordered_map>;
