using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Storage;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Data;

[TestClass]
public class TokenCacheTests
{
    [TestMethod]
    public void HoldsTheRowsOneAfterTheOther()
    {
        using TokenCache cache = TokenCaches.Text(null, "ab", "", "é", "");

        CollectionAssert.AreEqual(new long[] { 'a', 'b', 256, 0xC3, 0xA9, 256 }, cache.Tokens());
        CollectionAssert.AreEqual(new long[] { 0, 3, 6 }, cache.RowStarts());
        Assert.AreEqual(2, cache.RowCount);
        Assert.AreEqual(257, cache.VocabularySize);
        Assert.AreEqual(TokenCaches.Bytes.Hash, cache.TokenizerHash);
        Assert.AreEqual(64, cache.SourceHash.Length);
    }

    /// <summary>The ids of 65,536 tokens fit in two bytes, those of one more do not.</summary>
    [TestMethod]
    [DataRow(65535, 2)]
    [DataRow(65536, 2)]
    [DataRow(65537, 4)]
    [DataRow(int.MaxValue, 4)]
    public void ATokenTakesTwoBytesWhereAllIdsFitInThem(int vocabularySize, int bytes)
    {
        using var folder = new ScratchFolder();
        string path = folder.File("tokens");
        int[] ids = [0, 1, 255, 256, 65533, vocabularySize - 2, vocabularySize - 1];
        using (TokenCache cache = TokenCacheBuilder.Build([ids], vocabularySize, endOfTextId: null, path))
            CollectionAssert.AreEqual(ids.Select(id => (long)id).ToArray(), cache.Tokens());
        Assert.AreEqual(TokenCacheHeader.Length + (ids.Length * bytes + 7) / 8 * 8 + 8, new FileInfo(path).Length);
    }

    [TestMethod]
    public void ReadsAnyPartOfAStreamThatIsLongerThanABuffer()
    {
        int[][] rows = TokenCaches.RandomRows(new Random(3), rows: 20_000, longest: 20);
        using TokenCache cache = TokenCaches.Of(rows);
        long[] all = cache.Tokens();

        CollectionAssert.AreEqual(rows.SelectMany(row => row).Select(id => (long)id).ToArray(), all);
        var part = new long[50_000];
        cache.Read(33_333, part);
        CollectionAssert.AreEqual(all[33_333..83_333], part);
        var starts = new long[15_000];
        cache.ReadRowStarts(1, starts);
        CollectionAssert.AreEqual(rows.Take(15_000).Select((_, row) => cache.RowStart(row + 1)).ToArray(), starts);
    }

    [TestMethod]
    public void OtherPlacesThanItHasAreRefused()
    {
        using TokenCache cache = TokenCaches.Counting(10);
        var two = new long[2];

        cache.Read(8, two);
        Assert.AreEqual(9, two[1]);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => cache.Read(9, two));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => cache.Read(-1, two));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => cache.Read(long.MaxValue, two));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => cache.RowStart(-1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => cache.RowStart(2));
        Assert.AreEqual(10, cache.RowStart(1));
    }

    [TestMethod]
    public void AFileCutShortAnywhereIsRefused()
    {
        using var folder = new ScratchFolder();
        byte[] whole = Small(folder.File("whole"));
        string path = folder.File("damaged");
        for (int length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);
            AssertRefused(path);
        }
        File.WriteAllBytes(path, [.. whole, 0]);
        AssertRefused(path);
    }

    [TestMethod]
    public void AFlippedBitInTheHeaderOrTheRowsIsRefused()
    {
        using var folder = new ScratchFolder();
        byte[] whole = Small(folder.File("whole"));
        string path = folder.File("damaged");
        for (int bit = 0; bit < whole.Length * 8; bit++)
        {
            // Tokens come between the header and the rows; a changed one is found only where it leaves the vocabulary.
            if (bit / 8 is >= TokenCacheHeader.Length and < TokenCacheHeader.Length + 16) continue;
            byte[] damaged = [.. whole];
            damaged[bit / 8] ^= (byte)(1 << bit % 8);
            File.WriteAllBytes(path, damaged);
            bool stillRows = bit / 8 >= TokenCacheHeader.Length && OpensWithRows(path);
            if (!stillRows) AssertRefused(path);
        }
    }

    [TestMethod]
    public void AWrongHeaderWithAValidChecksumIsRefused()
    {
        using var folder = new ScratchFolder();
        string path = folder.File("lying");
        byte[] whole = Small(path);
        foreach (TokenCacheHeader lie in (TokenCacheHeader[])[
            new(257, long.MaxValue, 2, new string('0', 64), ""), new(257, 6, long.MaxValue, new string('0', 64), ""),
            new(257, -6, 2, new string('0', 64), ""), new(257, 6, 0, new string('0', 64), ""), new(257, 6, -1, new string('0', 64), ""),
            new(0, 6, 2, new string('0', 64), ""), new(-1, 6, 2, new string('0', 64), ""), new(70_000, 6, 2, new string('0', 64), ""),
            new(257, 5, 2, new string('0', 64), ""), new(257, 6, 1, new string('0', 64), "")])
        {
            File.WriteAllBytes(path, [.. lie.ToBytes(), .. whole[TokenCacheHeader.Length..]]);
            AssertRefused(path);
        }
    }

    [TestMethod]
    public void ATokenOutsideTheVocabularyIsRefusedWhenItIsRead()
    {
        using var folder = new ScratchFolder();
        string path = folder.File("damaged");
        byte[] whole = Small(path);
        whole[TokenCacheHeader.Length + 3] = 0xFF;
        File.WriteAllBytes(path, whole);
        using TokenCache cache = TokenCache.Open(path);

        cache.Read(0, new long[1]);
        var e = Assert.ThrowsExactly<InvalidDataException>(() => cache.Read(0, new long[2]));
        StringAssert.Contains(e.Message, path);
    }

    [TestMethod]
    public void ATokenizerHashThatDoesNotFitIsRefused() => Assert.ThrowsExactly<ArgumentException>(
        () => new TokenCacheHeader(257, 6, 2, new string('0', 64), new string('x', 149)).ToBytes());

    [TestMethod]
    public void ATemporaryFileIsDeleted()
    {
        using var folder = new ScratchFolder();
        using (FileStream stream = TemporaryFile.Create(folder.FullName))
        {
            stream.Write([1, 2, 3]);
            stream.Position = 0;
            Assert.AreEqual(1, stream.ReadByte());
            if (!OperatingSystem.IsWindows()) Assert.IsEmpty(folder.Entries, "its name is gone while it is still in use");
        }
        Assert.IsEmpty(folder.Entries);
    }

    private static byte[] Small(string path)
    {
        TokenCaches.Text(path, "ab", "cd").Dispose();
        return File.ReadAllBytes(path);
    }

    /// <summary>A row that ends elsewhere within the tokens is still a row.</summary>
    private static bool OpensWithRows(string path)
    {
        try
        {
            using TokenCache cache = TokenCache.Open(path);
            return cache.RowStarts() is [0, > 0 and < 6, 6];
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    private static void AssertRefused(string path)
    {
        var e = Assert.ThrowsExactly<InvalidDataException>(() => TokenCache.Open(path).Dispose());
        StringAssert.Contains(e.Message, path);
    }
}
