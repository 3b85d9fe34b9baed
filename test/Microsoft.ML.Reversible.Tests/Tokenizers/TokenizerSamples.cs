namespace Microsoft.ML.Reversible.Tests.Tokenizers;

/// <summary>Texts for which tokenizers often differ.</summary>
internal static class TokenizerSamples
{
    public static IEnumerable<string> All =>
    [
        "", "a", " ", "  ", "     ", "\n", " \n \n", "\t\t", "Hello world", " Hello  world ",
        "The quick brown fox's 1234 jumps; we've, they'll, I'd.",
        "naïve café ÅÄÖ ß", "日本語と中文", "emoji 😀👍🏽 👩‍👩‍👧 done", "a   b    c  ",
        "line one\nline two\r\n\n  indented\n\tif (x == 1) { return; }",
        "</s> <s> <unk> <|endoftext|> <0x0A>", "a\u0301e\u0308 \u200b \u00a0 \u3000", "\0\u0001\u007f",
        "𐍈𐍉 𝔸𝔹", "\u2581 \u2581\u2581x", "\uFFFD",
        File.ReadAllText(TestData.Require("cs336-fixtures/address.txt")), File.ReadAllText(TestData.Require("cs336-fixtures/german.txt")),
    ];
}
