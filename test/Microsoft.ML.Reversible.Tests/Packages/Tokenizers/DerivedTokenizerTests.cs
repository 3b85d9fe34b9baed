using System.Buffers;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Packages.Tokenizers;

[TestClass]
public class DerivedTokenizerTests
{
    private readonly Pairs _tokenizer = new();

    [TestMethod]
    public void TheIdsAndTheirCountAreThoseOfTheTokens()
    {
        CollectionAssert.AreEqual(new[] { 2, 2, 1 }, _tokenizer.EncodeToIds("abcde").ToArray());
        CollectionAssert.AreEqual(new[] { 2, 2, 1 }, _tokenizer.EncodeToIds("abcde".AsSpan()).ToArray());
        Assert.AreEqual(3, _tokenizer.CountTokens("abcde"));
    }

    [TestMethod]
    public void TheIndexByTokenCountIsWhereATokenEndsOrBegins()
    {
        Assert.AreEqual(4, _tokenizer.GetIndexByTokenCount("abcde", 2, out _, out int count));
        Assert.AreEqual(2, count);
        Assert.AreEqual(2, _tokenizer.GetIndexByTokenCountFromEnd("abcde", 2, out _, out count));
        Assert.AreEqual(2, count);
    }

    [TestMethod]
    public void DecodingToAStringTakesAsMuchRoomAsItNeeds() =>
        Assert.AreEqual(new string('x', 4000), _tokenizer.Decode(Enumerable.Repeat(2, 2000)));

    [TestMethod]
    public void ATokenizerHasNeitherPreTokenizerNorNormalizerByItself()
    {
        Assert.IsNull(_tokenizer.PreTokenizer);
        Assert.IsNull(_tokenizer.Normalizer);
    }

    /// <summary>Cuts text into pairs of characters, whose id is their length, with only the members that must be overridden.</summary>
    private sealed class Pairs : Tokenizer
    {
        protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
        {
            string source = text ?? textSpan.ToString();
            var tokens = new List<EncodedToken>();
            for (int start = 0; start < source.Length; start += 2)
            {
                int end = Math.Min(start + 2, source.Length);
                tokens.Add(new EncodedToken(end - start, source[start..end], start..end));
            }
            return new EncodeResults<EncodedToken> { Tokens = tokens, CharsConsumed = source.Length };
        }

        public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
        {
            (idsConsumed, charsWritten) = (0, 0);
            foreach (int id in ids)
            {
                if (charsWritten + id > destination.Length) return OperationStatus.DestinationTooSmall;
                destination.Slice(charsWritten, id).Fill('x');
                charsWritten += id;
                idsConsumed++;
            }
            return OperationStatus.Done;
        }
    }
}
