using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Tests.Storage;

[TestClass]
public sealed class RecordFileTests
{
    private static readonly byte[][] _records = [[], [1], [.. Enumerable.Range(0, 1000).Select(i => (byte)i)], [0, 0, 0]];

    [TestMethod]
    public void TheBytesAreThoseOfTensorFlow()
    {
        // The first record that TensorFlow's event writers write, apart from its time, which is 1.5 seconds here.
        byte[] data = Convert.FromHexString("09000000000000F83F1A0D627261696E2E4576656E743A32");
        using var stream = new MemoryStream();
        RecordFile.Append(stream, data);
        StringAssert.StartsWith(Convert.ToHexString(stream.ToArray()), "1800000000000000A37F4B22");
    }

    [TestMethod]
    public void WhatIsWrittenIsReadAndACutOrChangedFileUpToItsFault()
    {
        using var stream = new MemoryStream();
        List<int> ends = [];
        foreach (byte[] record in _records)
        {
            RecordFile.Append(stream, record);
            ends.Add((int)stream.Length);
        }
        byte[] file = stream.ToArray();
        for (int length = 0; length <= file.Length; length++) Check(file[..length], ends.Count(end => end <= length));
        for (int at = 0; at < file.Length; at += 7)
        {
            byte[] changed = [.. file];
            changed[at] ^= 0x10;
            Check(changed, ends.Count(end => end <= at));
        }

        void Check(byte[] bytes, int whole)
        {
            (IReadOnlyList<ReadOnlyMemory<byte>> records, int length) = RecordFile.Read(bytes);
            Assert.HasCount(whole, records);
            Assert.AreEqual(whole == 0 ? 0 : ends[whole - 1], length);
            foreach ((byte[] expected, ReadOnlyMemory<byte> actual) in _records.Zip(records))
                CollectionAssert.AreEqual(expected, actual.ToArray());
        }
    }
}
