using System.Buffers.Binary;
using System.Text;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Tests.Storage;

[TestClass]
public sealed class SafeTensorsHostileTests
{
    private const string Good =
        """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[4],"data_offsets":[8,12]}}""";

    [TestMethod]
    public void TheFileThatTheOthersAreMadeOfIsValid() => Open(Bytes(Good, 12));

    [TestMethod]
    [DataRow("""[]""", "'{'", DisplayName = "not an object")]
    [DataRow(""" {}""", "'{'", DisplayName = "a space before the object")]
    [DataRow("""{"a":""", "JSON", DisplayName = "cut JSON")]
    [DataRow("""{} {}""", "JSON", DisplayName = "two objects")]
    [DataRow("""{"a":1}""", "'a'", DisplayName = "a tensor that is a number")]
    [DataRow("""{"a":{"shape":[12],"data_offsets":[0,12]}}""", "dtype", DisplayName = "no dtype")]
    [DataRow("""{"a":{"dtype":7,"shape":[12],"data_offsets":[0,12]}}""", "dtype", DisplayName = "a dtype that is a number")]
    [DataRow("""{"a":{"dtype":"U8","data_offsets":[0,12]}}""", "shape", DisplayName = "no shape")]
    [DataRow("""{"a":{"dtype":"U8","shape":[12]}}""", "data_offsets", DisplayName = "no offsets")]
    [DataRow("""{"a":{"dtype":"X9","shape":[12],"data_offsets":[0,12]}}""", "X9", DisplayName = "an unknown dtype")]
    [DataRow("""{"a":{"dtype":"U8","shape":[-12],"data_offsets":[0,12]}}""", "-12", DisplayName = "a negative size")]
    [DataRow("""{"a":{"dtype":"U8","shape":[12.0],"data_offsets":[0,12]}}""", "12.0", DisplayName = "a size with a fraction")]
    [DataRow("""{"a":{"dtype":"U8","shape":["12"],"data_offsets":[0,12]}}""", "shape", DisplayName = "a size that is text")]
    [DataRow("""{"a":{"dtype":"U8","shape":[12],"data_offsets":[0,12,12]}}""", "data_offsets", DisplayName = "three offsets")]
    [DataRow("""{"a":{"dtype":"U8","shape":[12],"data_offsets":[12,0]}}""", "data_offsets", DisplayName = "an end before the beginning")]
    [DataRow("""{"a":{"dtype":"U8","shape":[12],"data_offsets":[0,18446744073709551615]}}""",
        "data_offsets", DisplayName = "an offset beyond 63 bits")]
    [DataRow("""{"a":{"dtype":"F32","shape":[12],"data_offsets":[0,12]}}""", "48", DisplayName = "a size that is not shape times item")]
    [DataRow("""{"a":{"dtype":"F64","shape":[4611686018427387904,4],"data_offsets":[0,0]}}""",
        "too large", DisplayName = "a shape that overflows to zero")]
    [DataRow("""{"a":{"dtype":"U8","shape":[13],"data_offsets":[0,13]}}""", "cut short", DisplayName = "data past the end")]
    [DataRow("""{"a":{"dtype":"U8","shape":[11],"data_offsets":[0,11]}}""", "12", DisplayName = "data left over")]
    [DataRow("""{"a":{"dtype":"U8","shape":[11],"data_offsets":[1,12]}}""", "hole", DisplayName = "a hole at the beginning")]
    [DataRow("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[7],"data_offsets":[5,12]}}""",
        "hole", DisplayName = "a hole between")]
    [DataRow("""{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[8],"data_offsets":[4,12]}}""",
        "inside", DisplayName = "an overlap")]
    [DataRow("""{"a":{"dtype":"U8","shape":[12],"data_offsets":[0,12]},"a":{"dtype":"U8","shape":[12],"data_offsets":[0,12]}}""",
        "twice", DisplayName = "a name twice")]
    [DataRow("""{"a":{"dtype":"U8","dtype":"U8","shape":[12],"data_offsets":[0,12]}}""", "twice", DisplayName = "a field twice")]
    [DataRow("""{"__metadata__":[],"a":{"dtype":"U8","shape":[12],"data_offsets":[0,12]}}""",
        "__metadata__", DisplayName = "metadata that is a list")]
    [DataRow("""{"__metadata__":{"x":1},"a":{"dtype":"U8","shape":[12],"data_offsets":[0,12]}}""",
        "'x'", DisplayName = "metadata with a number")]
    [DataRow("""{"__metadata__":{"x":"\ud800"},"a":{"dtype":"U8","shape":[12],"data_offsets":[0,12]}}""",
        "not text", DisplayName = "half a surrogate pair")]
    public void RefusesABadHeaderAndSaysWhy(string header, string why)
    {
        var error = Assert.ThrowsExactly<InvalidDataException>(() => Open(Bytes(header, 12)));
        StringAssert.Contains(error.Message, ".safetensors");
        StringAssert.Contains(error.Message, why);
    }

    [TestMethod]
    [DataRow(0, 0UL, DisplayName = "an empty file")]
    [DataRow(7, 0UL, DisplayName = "seven bytes")]
    [DataRow(8, 0UL, DisplayName = "an empty header")]
    [DataRow(100, 93UL, DisplayName = "a header longer than the file")]
    [DataRow(100, 100_000_001UL, DisplayName = "a header above the format's bound")]
    [DataRow(100, ulong.MaxValue, DisplayName = "a header length of all ones")]
    public void RefusesABadHeaderLength(int size, ulong headerLength)
    {
        var file = new byte[Math.Max(size, 8)];
        BinaryPrimitives.WriteUInt64LittleEndian(file, headerLength);
        Assert.ThrowsExactly<InvalidDataException>(() => Open(file[..size]));
    }

    [TestMethod]
    public void RefusesAHeaderThatIsNotUtf8()
    {
        byte[] file = Bytes(Good, 12);
        file[10] = 0xFF;
        var error = Assert.ThrowsExactly<InvalidDataException>(() => Open(file));
        StringAssert.Contains(error.Message, "UTF-8");
    }

    [TestMethod]
    public void EveryTruncationIsRefused()
    {
        byte[] file = Bytes(Good, 12);
        for (int length = 0; length < file.Length; length++)
            Assert.ThrowsExactly<InvalidDataException>(() => Open(file[..length]));
    }

    [TestMethod]
    public void TwoThousandMutatedFilesLoadOrAreRefusedAsInvalidData()
    {
        byte[] good = Bytes("""{"__metadata__":{"k":"v"},""" + Good[1..], 12);
        var random = new Random(20);
        int refused = 0;
        for (int i = 0; i < 2000; i++)
        {
            byte[] file = Mutate(good, random);
            try
            {
                Open(file);
            }
            catch (InvalidDataException)
            {
                refused++;
            }
            catch (Exception e)
            {
                Assert.Fail($"Mutation {i} gave {e.GetType().Name} for {Convert.ToHexString(file)}: {e}");
            }
        }
        Assert.IsTrue(refused is > 1000 and < 2000, $"{refused} refused");
    }

    private static byte[] Mutate(byte[] good, Random random)
    {
        string[] tokens = ["-1", "1e9", "null", "[", "}", "\"", "\\ud800", "9223372036854775807", "\"U16\"", "{}", "\0", ",", "4.0"];
        List<byte> file = [.. good];
        for (int change = random.Next(1, 4); change > 0 && file.Count > 0; change--)
        {
            int at = random.Next(file.Count);
            switch (random.Next(6))
            {
                case 0:
                    file[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    file.RemoveRange(at, Math.Min(random.Next(1, 9), file.Count - at));
                    break;
                case 2:
                    file.InsertRange(at, Encoding.ASCII.GetBytes(tokens[random.Next(tokens.Length)]));
                    break;
                case 3:
                    file[at] = (byte)"0123456789"[random.Next(10)];
                    break;
                case 4:
                    file[random.Next(Math.Min(8, file.Count))] = (byte)random.Next(256);
                    break;
                default:
                    file.InsertRange(at, file.GetRange(at, Math.Min(random.Next(1, 40), file.Count - at)));
                    break;
            }
        }
        return [.. file];
    }

    private static byte[] Bytes(string header, int dataLength)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        var file = new byte[8 + json.Length + dataLength];
        BinaryPrimitives.WriteUInt64LittleEndian(file, (ulong)json.Length);
        json.CopyTo(file, 8);
        return file;
    }

    private static void Open(byte[] content)
    {
        using var folder = new ScratchFolder();
        string path = folder.File("hostile.safetensors");
        File.WriteAllBytes(path, content);
        using SafeTensorsFile file = SafeTensorsFile.Open(path);
        foreach (string name in file.Names)
            file.CopyTo(name, Stream.Null);
    }
}
