using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Tests.Storage;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Data;

[TestClass]
public class TokenCacheBuilderTests
{
    private static readonly string[] _rows = ["one", "", "two words", "three"];

    [TestMethod]
    public void ManyBlocksAtOnceGiveTheBytesOfOneAfterTheOther()
    {
        var random = new Random(7);
        string[] rows = [.. Enumerable.Range(0, 3000).Select(_ => RandomText.Next(random, 60))];
        using var folder = new ScratchFolder();
        Build(folder.File("serial"), int.MaxValue, 1);
        Build(folder.File("parallel"), 100, 16);
        byte[] serial = File.ReadAllBytes(folder.File("serial"));

        CollectionAssert.AreEqual(serial, File.ReadAllBytes(folder.File("parallel")));
        using TokenCache cache = TokenCache.Open(folder.File("serial"));
        long[] expected = [.. rows.Where(row => row.Length > 0)
            .SelectMany(row => System.Text.Encoding.UTF8.GetBytes(row).Select(value => (long)value).Append(256))];
        CollectionAssert.AreEqual(expected, cache.Tokens());

        void Build(string path, int blockLength, int blocks) => TokenCacheBuilder
            .Build(new TextSource(rows, TokenCaches.Bytes), path, new TokenCacheEncoder(blockLength, blocks)).Dispose();
    }

    [TestMethod]
    [DataRow(new string[0])]
    [DataRow(new[] { "", "" })]
    public void NoTextIsRefusedAndLeavesNothing(string[] rows)
    {
        using var folder = new ScratchFolder();
        foreach (string? path in (string?[])[null, folder.File("tokens")])
        {
            var e = Assert.ThrowsExactly<InvalidOperationException>(() => TokenCaches.Text(path, rows));
            StringAssert.Contains(e.Message, "no rows with text");
        }
        Assert.IsEmpty(folder.Entries);
    }

    [TestMethod]
    public void NoIdsAreRefused()
    {
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => TokenCacheBuilder.Build([[], []], 9, null, null));
        StringAssert.Contains(e.Message, "no rows with tokens");
    }

    [TestMethod]
    [DataRow(-1)]
    [DataRow(10)]
    [DataRow(70_000)]
    public void AnIdOutsideTheVocabularyIsRefusedWithItsRowAndTheRange(int id)
    {
        var e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => TokenCacheBuilder.Build([[1], [], [9, id]], 10, null, null));
        StringAssert.Contains(e.Message, "Row 2");
        StringAssert.Contains(e.Message, $"id {id}");
        StringAssert.Contains(e.Message, "0 to 9");
    }

    [TestMethod]
    [DataRow(-1)]
    [DataRow(10)]
    public void AnEndOfTextIdOutsideTheVocabularyIsRefused(int id)
    {
        var e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => TokenCacheBuilder.Build([[1]], 10, id, null));
        Assert.AreEqual("endOfTextId", e.ParamName);
    }

    [TestMethod]
    public void ACharacterThatTheVocabularyLacksSurfacesAsItselfAndLeavesNothing()
    {
        using var folder = new ScratchFolder();
        LanguageModelTokenizer tokenizer = LanguageModelTokenizer.Learn(["abc"], TextTokenization.Character, 0);
        IEnumerable<string> rows = [.. Enumerable.Repeat("abc", 50_000), "x", .. Enumerable.Repeat("abc", 50_000), "y"];

        var e = Assert.ThrowsExactly<ArgumentException>(() => TokenCacheBuilder.Build(rows, tokenizer, folder.File("tokens")));

        StringAssert.Contains(e.Message, "'x'");
        Assert.IsEmpty(folder.Entries);
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void AFailureOfTheSourceSurfacesAsItselfAndLeavesNothing(bool withPath)
    {
        using var folder = new ScratchFolder();
        var thrown = new FileNotFoundException("mine");

        var e = Assert.ThrowsExactly<FileNotFoundException>(() => TokenCaches.Text(withPath ? folder.File("tokens") : null, Rows()));

        Assert.AreSame(thrown, e);
        Assert.IsEmpty(folder.Entries);

        IEnumerable<string> Rows()
        {
            for (int i = 0; i < 100_000; i++) yield return "some text";
            throw thrown;
        }
    }

    [TestMethod]
    public void ACancelledBuildLeavesWhatWasThere()
    {
        using var folder = new ScratchFolder();
        string path = folder.File("tokens");
        TokenCaches.Text(path, _rows).Dispose();
        byte[] before = File.ReadAllBytes(path);
        using var source = new CancellationTokenSource();

        var e = Assert.Throws<OperationCanceledException>(
            () => TokenCacheBuilder.Build(Rows(), TokenCaches.OtherBytes, path, source.Token));

        Assert.AreEqual(source.Token, e.CancellationToken);
        CollectionAssert.AreEqual(new[] { "tokens" }, folder.Entries);
        CollectionAssert.AreEqual(before, File.ReadAllBytes(path));

        IEnumerable<string> Rows()
        {
            for (int i = 0; ; i++)
            {
                if (i == 100_000) source.Cancel();
                if (i > 100_001) Assert.Fail("rows are read on after the cancellation");
                yield return "some text";
            }
        }
    }

    [TestMethod]
    public void ADiskThatIsFullLeavesNothing()
    {
        using var disk = new SmallDisk();
        string path = Path.Combine(disk.FullName, "tokens");

        var e = Assert.ThrowsExactly<IOException>(() => TokenCaches.Text(path, Enumerable.Repeat(new string('a', 1000), 2000)));

        StringAssert.Contains(e.Message, path);
        Assert.IsEmpty(disk.Entries);
        TokenCaches.Text(path, "small").Dispose();
    }

    [TestMethod]
    public void TheSameRowsAndTokenizerUseTheCacheAgainWithoutEncoding()
    {
        using var folder = new ScratchFolder();
        string path = folder.File("tokens");
        using (TokenCache first = TokenCaches.Text(path, _rows)) Assert.IsFalse(first.WasReused);
        DateTime written = File.GetLastWriteTimeUtc(path);

        var source = new CountingSource(_rows);
        using TokenCache second = TokenCacheBuilder.Build(source, path, TokenCacheEncoder.Default);

        Assert.IsTrue(second.WasReused);
        Assert.AreEqual(0, source.Encoded);
        Assert.AreEqual(written, File.GetLastWriteTimeUtc(path));
        CollectionAssert.AreEqual(new long[] { 0, 4, 14, 20 }, second.RowStarts());
    }

    [TestMethod]
    public void OtherRowsBordersOrTokenizersMakeItAnew()
    {
        using var folder = new ScratchFolder();
        string path = folder.File("tokens");
        TokenCaches.Text(path, _rows).Dispose();

        string[][] others = [["one", "two words", "thre"], ["onet", "wo words", "thre"], ["one", "two words", "thre", "x"]];
        foreach (string[] rows in others)
        {
            using (TokenCache other = TokenCaches.Text(path, rows)) Assert.IsFalse(other.WasReused);
            using TokenCache again = TokenCaches.Text(path, rows);
            Assert.IsTrue(again.WasReused);
            Assert.AreEqual(rows.Length, again.RowCount);
        }
        using TokenCache otherTokenizer = TokenCacheBuilder.Build(others[^1], TokenCaches.OtherBytes, path);
        Assert.IsFalse(otherTokenizer.WasReused);
        using TokenCache ids = TokenCacheBuilder.Build([[1, 2]], 257, endOfTextId: null, path);
        Assert.IsFalse(ids.WasReused);
        using TokenCache otherEnd = TokenCacheBuilder.Build([[1, 2]], 257, endOfTextId: 3, path);
        Assert.IsFalse(otherEnd.WasReused);
        using TokenCache otherSize = TokenCacheBuilder.Build([[1, 2]], 258, endOfTextId: 3, path);
        Assert.IsFalse(otherSize.WasReused);
        using TokenCache otherIds = TokenCacheBuilder.Build([[1], [2]], 258, endOfTextId: 3, path);
        CollectionAssert.AreEqual(new long[] { 1, 3, 2, 3 }, otherIds.Tokens());
        CollectionAssert.AreEqual(new[] { "tokens" }, folder.Entries);
    }

    [TestMethod]
    public void ADamagedCacheIsMadeAnew()
    {
        using var folder = new ScratchFolder();
        string path = folder.File("tokens");
        foreach (string content in (string[])["", "no cache", new string('x', 1000)])
        {
            File.WriteAllText(path, content);
            using TokenCache cache = TokenCaches.Text(path, _rows);
            Assert.IsFalse(cache.WasReused);
            Assert.AreEqual(3, cache.RowCount);
        }
    }

    [TestMethod]
    public void AnOpenCacheOutlivesItsReplacement()
    {
        using var folder = new ScratchFolder();
        string path = folder.File("tokens");
        using TokenCache old = TokenCaches.Text(path, "old");
        using TokenCache fresh = TokenCaches.Text(path, "fresh");

        CollectionAssert.AreEqual(new long[] { 'o', 'l', 'd', 256 }, old.Tokens());
        Assert.AreEqual(6, fresh.TokenCount);
    }

    [TestMethod]
    public void SeveralBuildsOfOneCacheAtOnceAllSucceed()
    {
        using var folder = new ScratchFolder();
        string path = folder.File("tokens");
        string[] rows = [.. Enumerable.Range(0, 2000).Select(row => $"row {row}")];
        Task<long[]>[] builds = [.. Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(() =>
        {
            using TokenCache cache = TokenCaches.Text(path, rows);
            return cache.Tokens();
        }, TaskCreationOptions.LongRunning))];

        foreach (Task<long[]> build in builds) CollectionAssert.AreEqual(builds[0].Result, build.Result);
        CollectionAssert.AreEqual(new[] { "tokens" }, folder.Entries);
    }

    [TestMethod]
    public void ProgressEndsWithAllThereIs()
    {
        using var folder = new ScratchFolder();
        var reports = new Reports();
        TokenCacheBuilder.Build(["é", "", "ab"], TokenCaches.Bytes, folder.File("tokens"), progress: reports).Dispose();
        Assert.AreEqual(new TokenizationProgress(Rows: 2, Bytes: 4, Tokens: 6), reports.Last);

        TokenCacheBuilder.Build(["é", "", "ab"], TokenCaches.Bytes, folder.File("tokens"), progress: reports).Dispose();
        Assert.AreEqual(
            new TokenizationProgress(Rows: 2, Bytes: 4, Tokens: 0), reports.Last, "the rows of a cache used again are only read");
    }

    private sealed class Reports : IProgress<TokenizationProgress>
    {
        public TokenizationProgress? Last { get; private set; }

        public void Report(TokenizationProgress value) => Last = value;
    }

    private sealed class CountingSource(string[] rows)
        : TokenCacheSource<string>(rows, TokenCaches.Bytes.VocabularySize, TokenCaches.Bytes.Hash)
    {
        public int Encoded { get; private set; }

        public override int Length(string row) => row.Length;

        public override int[] Encode(string row)
        {
            Encoded++;
            return TokenPacker.Pack(row, TokenCaches.Bytes);
        }

        public override long AddTo(TokenCacheHash hash, string row) => hash.Add(row);

        public override InvalidOperationException NoRows() => Vocabulary.NoText();
    }
}
