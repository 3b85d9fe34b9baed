using Google.Protobuf;

namespace Microsoft.ML.Reversible.Tests.Training;

/// <summary>
/// A reader of TensorBoard's event files of its own: every byte belongs to a record whose checksums are right, and the messages are read
/// field by field.
/// </summary>
internal static class EventFiles
{
    /// <summary>What an event holds.</summary>
    public sealed record Entry(
        double WallTime, long Step, string? FileVersion, int? SessionStatus, IReadOnlyDictionary<string, float> Scalars);

    /// <summary>The events of all files of a folder, in the order in which TensorBoard reads them.</summary>
    public static List<Entry> Read(string folder) =>
        [.. Directory.GetFiles(folder).Order(StringComparer.Ordinal).SelectMany(file => ReadFile(file))];

    /// <summary>The events with scalars.</summary>
    public static List<Entry> Reports(string folder) => [.. Read(folder).Where(entry => entry.Scalars.Count > 0)];

    private static List<Entry> ReadFile(string file)
    {
        StringAssert.Contains(Path.GetFileName(file), "tfevents");
        List<Entry> entries = [];
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new BinaryReader(stream);
        while (stream.Position < stream.Length)
        {
            byte[] length = reader.ReadBytes(8);
            Assert.AreEqual(MaskedCrc(length), reader.ReadUInt32());
            byte[] data = reader.ReadBytes((int)BitConverter.ToInt64(length));
            Assert.AreEqual(MaskedCrc(data), reader.ReadUInt32());
            entries.Add(Parse(data));
        }
        Assert.AreEqual("brain.Event:2", entries[0].FileVersion);
        return entries;
    }

    private static Entry Parse(byte[] data)
    {
        var input = new CodedInputStream(data);
        var entry = new Entry(0, 0, null, null, new Dictionary<string, float>());
        while (input.ReadTag() is var tag and not 0)
        {
            entry = WireFormat.GetTagFieldNumber(tag) switch
            {
                1 => entry with { WallTime = input.ReadDouble() },
                2 => entry with { Step = input.ReadInt64() },
                3 => entry with { FileVersion = input.ReadString() },
                5 => entry with { Scalars = Scalars(input.ReadBytes()) },
                7 => entry with { SessionStatus = Status(input.ReadBytes()) },
                var other => throw new InvalidDataException($"field {other}"),
            };
        }
        return entry;
    }

    private static Dictionary<string, float> Scalars(ByteString summary)
    {
        CodedInputStream input = summary.CreateCodedInput();
        Dictionary<string, float> scalars = [];
        while (input.ReadTag() is var tag and not 0)
        {
            Assert.AreEqual(1, WireFormat.GetTagFieldNumber(tag));
            CodedInputStream value = input.ReadBytes().CreateCodedInput();
            (string name, float number) = ("", float.NaN);
            while (value.ReadTag() is var field and not 0)
            {
                if (WireFormat.GetTagFieldNumber(field) == 1) name = value.ReadString();
                else number = value.ReadFloat();
            }
            scalars.Add(name, number);
        }
        return scalars;
    }

    private static int Status(ByteString session)
    {
        CodedInputStream input = session.CreateCodedInput();
        Assert.AreEqual(1, WireFormat.GetTagFieldNumber(input.ReadTag()));
        return input.ReadInt32();
    }

    /// <summary>CRC-32C bit by bit, masked as in TensorFlow's record files.</summary>
    private static uint MaskedCrc(byte[] data)
    {
        uint crc = 0xffffffff;
        foreach (byte value in data)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82f63b78 : crc >> 1;
        }
        crc = ~crc;
        return ((crc >> 15) | (crc << 17)) + 0xa282ead8;
    }
}
