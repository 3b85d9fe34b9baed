namespace TorchSharp;

// Tensors of no dimension.
public static partial class torch
{
    public static Tensor tensor(bool scalar, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
        FromScalar(scalar, dtype, device, requires_grad);
    public static Tensor tensor(byte scalar, Device device = null, bool requires_grad = false) =>
        FromScalar(scalar, null, device, requires_grad);
    public static Tensor tensor(double scalar, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
        FromScalar(scalar, dtype, device, requires_grad);
    public static Tensor tensor(short scalar, Device device = null, bool requires_grad = false) =>
        FromScalar(scalar, null, device, requires_grad);
    public static Tensor tensor(int scalar, Device device = null, bool requires_grad = false) =>
        FromScalar(scalar, null, device, requires_grad);
    public static Tensor tensor(long scalar, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
        FromScalar(scalar, dtype, device, requires_grad);
    public static Tensor tensor(sbyte scalar, Device device = null, bool requires_grad = false) =>
        FromScalar(scalar, null, device, requires_grad);
    public static Tensor tensor(float scalar, Device device = null, bool requires_grad = false) =>
        FromScalar(scalar, null, device, requires_grad);
}
