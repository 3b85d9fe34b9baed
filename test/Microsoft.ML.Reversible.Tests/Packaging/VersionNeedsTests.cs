using Microsoft.ML.Reversible.Build;

namespace Microsoft.ML.Reversible.Tests.Packaging;

/// <summary>Tests real, damaged and malicious files.</summary>
[TestClass]
public sealed class VersionNeedsTests
{
    private static readonly long[] _extremes = [0, 1, -1, int.MaxValue, uint.MaxValue, long.MaxValue, long.MaxValue - 15, long.MinValue];

    [TestMethod]
    public void OnlyTheFlagOfTheVersionChanges()
    {
        var file = new TinyElf();
        byte[] before = [.. file.Bytes];
        Assert.IsTrue(Mark(file.Bytes));
        int changed = Enumerable.Range(0, before.Length).Single(i => before[i] != file.Bytes[i]);
        Assert.AreEqual((TinyElf.Flags, (byte)2), (changed, file.Bytes[changed]));
    }

    [TestMethod]
    public void TheRealFileChangesInOneByte()
    {
        byte[] marked = PackedLibrary.MarkedNative(), before = File.ReadAllBytes(PackedLibrary.Native);
        Assert.AreEqual(1, before.Zip(marked).Count(pair => pair.First != pair.Second));
        Assert.AreEqual(before.Length, marked.Length);
    }

    [TestMethod]
    public void AMarkedFileStaysAsItIs()
    {
        var file = new TinyElf();
        Mark(file.Bytes);
        byte[] marked = [.. file.Bytes];
        Assert.IsFalse(Mark(file.Bytes));
        CollectionAssert.AreEqual(marked, file.Bytes);
    }

    [TestMethod]
    public void AFileThatDoesNotAskForTheVersionStaysAsItIs()
    {
        var file = new TinyElf();
        byte[] before = [.. file.Bytes];
        Assert.IsFalse(new VersionNeeds(file.Bytes).MarkWeak("GLIBCXX_3.4", [TinyElf.Symbol]));
        CollectionAssert.AreEqual(before, file.Bytes);
    }

    [TestMethod]
    public void AFileThatUsesAnotherSymbolOfTheVersionIsRefusedByTheSymbolsName()
    {
        byte[] file = new TinyElf().Bytes, before = [.. file];
        var error = Assert.ThrowsExactly<InvalidDataException>(() => new VersionNeeds(file).MarkWeak(TinyElf.Version, ["_ZSt4cout"]));
        Assert.AreEqual($"it uses {TinyElf.Symbol} of version {TinyElf.Version}", error.Message);
        CollectionAssert.AreEqual(before, file);
    }

    [TestMethod]
    public void TheRealFileIsRefusedForAVersionThatItUses()
    {
        byte[] file = File.ReadAllBytes(PackedLibrary.Native);
        var error = Assert.ThrowsExactly<InvalidDataException>(() => new VersionNeeds(file).MarkWeak("GLIBCXX_3.4.21", [TinyElf.Symbol]));
        StringAssert.StartsWith(error.Message, "it uses _Z");
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(63)]
    [DataRow(2_000)]
    public void AFileOfAnotherFormatIsRefused(int length) =>
        Assert.ThrowsExactly<InvalidDataException>(() => new VersionNeeds(new byte[length]));

    /// <summary>A table that is too short, so that the symbol of the version is not seen.</summary>
    [TestMethod]
    [DataRow(TinyElf.Symbols, 24)]
    [DataRow(TinyElf.Versions, 2)]
    [DataRow(TinyElf.Symbols, 0)]
    [DataRow(TinyElf.Symbols, -24)]
    public void TablesThatDoNotFitEachOtherAreRefused(int section, int size)
    {
        var file = new TinyElf();
        file.Set64(TinyElf.SizeOf(section), size);
        Assert.ThrowsExactly<InvalidDataException>(() => Mark(file.Bytes));
    }

    [TestMethod]
    [Timeout(60_000)]
    public void ListsWithoutEndAreRefused()
    {
        var file = new TinyElf();
        file.Set32(TinyElf.InfoOf(TinyElf.Needs), uint.MaxValue);
        Assert.ThrowsExactly<InvalidDataException>(() => Mark(file.Bytes));
        file.Set16(TinyElf.VersionCount, ushort.MaxValue);
        Assert.ThrowsExactly<InvalidDataException>(() => Mark(file.Bytes));
    }

    /// <summary>Each need lists all that follow as its versions: twelve thousand million entries.</summary>
    [TestMethod]
    [Timeout(60_000)]
    public void ListsThatOverlapInALargeFileAreRefusedSoon()
    {
        const int at = 100_000;
        var tiny = new TinyElf();
        tiny.Set64(TinyElf.OffsetOf(TinyElf.Needs), at);
        tiny.Set32(TinyElf.InfoOf(TinyElf.Needs), uint.MaxValue);
        byte[] file = new byte[3_000_000];
        tiny.Bytes.CopyTo(file, 0);
        // The count of versions; where the first of them is, and the next need or version.
        for (int need = at; need + 16 < file.Length; need += 16)
            (file[need + 2], file[need + 3], file[need + 8], file[need + 12]) = (0xff, 0xff, 16, 16);
        var error = Assert.ThrowsExactly<InvalidDataException>(() => Mark(file));
        StringAssert.Contains(error.Message, "more versions than");
    }

    [TestMethod]
    [Timeout(60_000)]
    public void ExtremeNumbersAtAnyPlaceAreRefusedOrHarmless()
    {
        for (int at = 0; at <= new TinyElf().Bytes.Length - 8; at++)
        {
            foreach (long value in _extremes)
            {
                var file = new TinyElf();
                file.Set64(at, value);
                AssertRefusedOrHarmless(file.Bytes);
                file = new TinyElf();
                file.Set16(at, (int)value);
                AssertRefusedOrHarmless(file.Bytes);
            }
        }
    }

    [TestMethod]
    [Timeout(60_000)]
    public void TruncatedAndFlippedRealFilesAreRefusedOrHarmless()
    {
        byte[] whole = File.ReadAllBytes(PackedLibrary.Native);
        var random = new Random(7);
        for (int run = 0; run < 200; run++)
        {
            byte[] file = run % 4 == 0 ? whole[..random.Next(whole.Length)] : [.. whole];
            // The headers, the tables of symbols that follow them, and the section table at the end hold all that is read.
            int[] lengths = [64, 400_000, file.Length];
            for (int flip = random.Next(1, 200); flip > 0 && file.Length > 0; flip--)
            {
                int within = Math.Min(lengths[random.Next(3)], file.Length);
                int at = random.Next(4) == 0 ? file.Length - 1 - random.Next(Math.Min(3_000, file.Length)) : random.Next(within);
                file[at] ^= (byte)(1 << random.Next(8));
            }
            AssertRefusedOrHarmless(file);
        }
    }

    private static bool Mark(byte[] file) => new VersionNeeds(file).MarkWeak(TinyElf.Version, [TinyElf.Symbol]);

    /// <summary>No other exception, and no change but of flags.</summary>
    private static void AssertRefusedOrHarmless(byte[] file)
    {
        byte[] before = [.. file];
        bool marked = false;
        try
        {
            marked = Mark(file);
        }
        catch (InvalidDataException)
        {
        }

        List<int> changed = [];
        for (int i = 0; (i += file.AsSpan(i).CommonPrefixLength(before.AsSpan(i))) < file.Length; i++) changed.Add(i);
        Assert.IsTrue(marked ? changed.Count > 0 && changed.All(i => file[i] == (before[i] | 2)) : changed.Count == 0);
    }
}
