using System.Text.RegularExpressions;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Tokenizers;

[TestClass]
public class Gpt2PiecesTests
{
    private static readonly Regex _rule = new(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+");

    // As UTF-16 units, the letters and digits would be signs, and signs take the apostrophe.
    [TestMethod]
    [DataRow("𝔸's", "𝔸|'s")]
    [DataRow("ab𐍈c 𐍉", "ab𐍈c| 𐍉")]
    [DataRow("𠀀!", "𠀀|!")]
    [DataRow("1𝟘𝟙'll", "1𝟘𝟙|'ll")]
    [DataRow("😀's", "😀'|s")]
    public void LettersAndDigitsBeyondTheBasicPlaneAreLettersAndDigits(string text, string pieces) =>
        Assert.AreEqual(pieces, string.Join('|', Cut(text)));

    [TestMethod]
    public void WithinTheBasicPlaneTextIsCutAsTheRegularExpressionCutsIt()
    {
        for (int seed = 0; seed < 20_000; seed++)
        {
            string text = string.Concat(MixedText.Next(new Random(seed)).Where(c => !char.IsSurrogate(c)));

            CollectionAssert.AreEqual(_rule.Matches(text).Select(match => match.Value).ToArray(), Cut(text), text);
        }
    }

    [TestMethod]
    public void AnIdSequenceFollowsTheCodePoints()
    {
        // huggingface/tokenizers; the apostrophe cut off has the ids 6 and 82.
        LanguageModelTokenizer tokenizer = LanguageModelTokenizer.Load(TestData.Require("gpt2-tokenizer/encoder.json"));

        CollectionAssert.AreEqual(new[] { 47728, 238, 105, 338 }, tokenizer.Encode("𝐬's"));
    }

    private static string[] Cut(string text)
    {
        var pieces = new List<string>();
        for (int start = 0; start < text.Length;)
        {
            int end = Gpt2Pieces.EndOf(text, start);
            pieces.Add(text[start..end]);
            start = end;
        }
        return [.. pieces];
    }
}
