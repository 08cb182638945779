import { authorization, call } from './calls.js';
import * as api from './generated/api/index.js';

type Raw<Data> = { raw: Response; value(): Promise<Data> };

// answered gives what was decoded with the names that the wire has.
async function answered<Decoded, Data>(result: Promise<Raw<Decoded>>, data: (decoded: Decoded) => Data) {
  try {
    const { raw, value } = await result.then((answer) => ({ raw: answer.raw, value: () => answer.value() }));
    return { status: raw.status, data: data(await value()) };
  } catch (thrown) {
    if (!(thrown instanceof Response)) throw thrown;
    const { error } = api.ModelErrorFromJSON(await thrown.json());
    return { status: thrown.status, failure: { error: error as string | string[] } };
  }
}

const same = <Data>(data: Data): Data => data;
const day = (date: Date | null | undefined) => date?.toISOString().slice(0, 10) ?? null;

const configuration = new api.Configuration({ headers: authorization, fetchApi: fetch });
const tools = new api.ToolsApi(configuration);
const users = new api.UsersApi(configuration);
const labels = new api.LabelsApi(configuration);
const documents = new api.DocumentsApi(configuration);
const otp = new api.OtpApi(configuration);

call({
  getTimestamp: () => answered(tools.getTimestampRaw({ body: {} }), same),
  createUser: (body) => answered(users.createUserRaw({ createUserParameters: body }), same),
  importUser: ({ password_digest, first_name, dob, ...body }) =>
    answered(users.importUserRaw({ importUserParameters: { ...body, passwordDigest: password_digest, firstName: first_name, dob: new Date(dob) } }), same),
  createLabel: ({ user_uid, ...body }) => answered(labels.createLabelRaw({ createLabelParameters: { ...body, userUid: user_uid } }), same),
  updateLabel: ({ user_uid, ...body }) => answered(labels.updateLabelRaw({ updateLabelParameters: { ...body, userUid: user_uid } }), same),
  listLabels: ({ user_uid }) => answered(labels.listLabelsRaw({ listLabelsParameters: { userUid: user_uid } }), same),
  filterUsersByLabel: (body) => answered(labels.filterUsersByLabelRaw({ filterUsersByLabelParameters: body }), same),
  createDocument: ({ uid, filename, upload, doc_type, doc_number, file_ext, doc_expire }) =>
    answered(
      documents.createDocumentRaw({
        createDocumentParameters: { uid, filename, upload, docType: doc_type, docNumber: doc_number, fileExt: file_ext, docExpire: new Date(doc_expire) },
      }),
      same,
    ),
  getUser: (body) =>
    answered(users.getUserRaw({ getUserParameters: body }), (user) => ({ documents: user.documents.map((document) => ({ doc_expire: day(document.docExpire) })) })),
  listUsers: (body) => answered(users.listUsersRaw({ listUsersParameters: body }), (page) => page.map((user) => ({ profile: { dob: day(user.profile?.dob) } }))),
  signOTP: ({ user_uid, otp_code }) => answered(otp.signOTPRaw({ signOTPParameters: { userUid: user_uid, otpCode: otp_code } }), same),
  deleteLabel: ({ user_uid, key }) => answered(labels.deleteLabelRaw({ deleteLabelParameters: { userUid: user_uid, key } }), same),
});
