using System.Text;

namespace Microsoft.ML.Reversible.Tests.Fuzzing;

/// <summary>Damages files as accidents and attackers do. The same seed gives the same damage.</summary>
internal sealed class FileMutator(int seed)
{
    /// <summary>Byte sequences that have a meaning in some format.</summary>
    private static readonly byte[][] _pieces =
    [
        .. new[]
        {
            "null", "true", "[]", "{}", "[", "}", "\"", ",", ":", "\\ud800", "\0", "NaN", "-1", "1e999", "4.5", "F64", "I8", "llama",
            "gpt2",
            "\"../canary.safetensors\"", "../", "model.", "transformer.", "\"rope_scaling\":{\"type\":\"linear\",\"factor\":1e9},",
            "\"reversible\":{\"scheme\":\"bdia:k=1000000\"},",
            "\"target_modules\":\"(.*)+proj\",", "\"use_dora\":true,", "<|endoftext|>", "\n", "Ġ", "=", " ",
        }.Select(Encoding.UTF8.GetBytes),
        [0xFF, 0xFF, 0xFF, 0xFF], [0xFF, 0xFF, 0xFF, 0x7F], [0, 0, 0, 0, 0, 0, 0, 0x80], [0x80, 0x80, 0x80, 0x80, 0x80, 0x01], [0xC0, 0x80],
    ];

    private static readonly string[] _numbers =
        ["0", "1", "-1", "2", "3", "7", "255", "65536", "100000", "2147483647", "2147483648", "-2147483648", "4294967296",
            "9223372036854775807", "18446744073709551615", "1e9", "0.5", "1e-320"];

    private readonly Random _random = new(seed);

    /// <summary>A damaged copy.</summary>
    /// <param name="file">The file.</param>
    /// <param name="others">Files to splice in parts of.</param>
    public byte[] Mutate(byte[] file, IReadOnlyList<byte[]> others)
    {
        List<byte> bytes = [.. file];
        for (int changes = _random.Next(1, 4); changes > 0 && bytes.Count > 0; changes--) Change(bytes, others);
        return [.. bytes];
    }

    private void Change(List<byte> bytes, IReadOnlyList<byte[]> others)
    {
        int at = _random.Next(bytes.Count);
        switch (_random.Next(9))
        {
            case 0:
                bytes[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 1:
                bytes[at] = (byte)_random.Next(256);
                break;
            case 2:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 3:
                bytes.RemoveRange(at, Math.Min(_random.Next(1, 17), bytes.Count - at));
                break;
            case 4:
                bytes.InsertRange(at, _pieces[_random.Next(_pieces.Length)]);
                break;
            case 5:
                bytes.InsertRange(at, bytes.GetRange(at, Math.Min(_random.Next(1, 200), bytes.Count - at)));
                break;
            case 6:
                byte[] other = others[_random.Next(others.Count)];
                int from = _random.Next(other.Length + 1);
                bytes.InsertRange(at, other.AsSpan(from, Math.Min(_random.Next(1, 200), other.Length - from)).ToArray());
                break;
            default:
                ChangeNumber(bytes, at);
                break;
        }
    }

    /// <summary>
    /// Puts another number in the place of the next one; where there is none, changes the length that many formats begin with.
    /// </summary>
    private void ChangeNumber(List<byte> bytes, int at)
    {
        int start = bytes.FindIndex(at, IsDigit);
        if (start < 0)
        {
            bytes[_random.Next(Math.Min(8, bytes.Count))] = (byte)_random.Next(256);
            return;
        }
        int end = bytes.FindIndex(start, value => !IsDigit(value));
        bytes.RemoveRange(start, (end < 0 ? bytes.Count : end) - start);
        bytes.InsertRange(start, Encoding.ASCII.GetBytes(_numbers[_random.Next(_numbers.Length)]));

        static bool IsDigit(byte value) => value is >= (byte)'0' and <= (byte)'9';
    }
}
