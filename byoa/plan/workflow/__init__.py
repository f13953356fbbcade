"""State machines of Step Functions, decided: typed builders whose outcome is a plain dict."""
