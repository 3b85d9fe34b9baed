using System.Globalization;
using System.Text;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        // Type, shape and device, and the elements of a small tensor.
        public override string ToString()
        {
            if (IsInvalid)
                return "Invalid tensor";
            var text = new StringBuilder($"[{string.Join("x", shape)}], type = {dtype}, device = {device}");
            if (NumberOfElements is 0 or > 100 || is_meta)
                return text.ToString();
            using (no_grad())
            using (var values = to(ScalarType.Float64, CPU))
            using (var flat = values.reshape(-1))
            using (var data = flat.data<double>())
                text.Append(": [").AppendJoin(", ", data.ToArray().Select(v => v.ToString("g5", CultureInfo.InvariantCulture))).Append(']');
            return text.ToString();
        }
    }
}
